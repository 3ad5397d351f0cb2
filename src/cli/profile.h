/* SPDX-License-Identifier: MIT */
/*
 * Which files a program reads, in the order of their first use: what cairn trace wrote.
 * Blocking; the tool's thread.
 */
#ifndef CAIRN_CLI_PROFILE_H
#define CAIRN_CLI_PROFILE_H

#include <stddef.h>

#include "util/error.h"

#define PROFILE_SIZE_MAX (256u << 20) /* bytes of such a file */

struct profile {
	char **paths; /* below the root, each once */
	size_t count;
};
/* Leaves zeros. */
void profile_release(struct profile *p);
/* ERR_CORRUPT: it is no trace; ERR_ABSENT, ERR_LIMIT, ...: with a sentence. */
int profile_read(const char *file, struct profile *out, struct trouble *t);

#endif
