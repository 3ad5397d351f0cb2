/* SPDX-License-Identifier: MIT */
/*
 * How a mount treats the opening of its files, which is one way for all of them:
 *
 *   elide        the kernel asks about no open at all: the least work for small files
 *   passthrough  the kernel reads the files of the cache itself, where a file is whole in
 *                it: the least work for bytes
 *   plain        opens are answered; what was read stays in the kernel's cache
 *
 * The first two exclude each other. Pure.
 */
#ifndef CAIRN_FS_OPEN_MODE_H
#define CAIRN_FS_OPEN_MODE_H

#include <stdbool.h>

#include "format/manifest.h"

enum open_mode { OPEN_AUTO, OPEN_ELIDE, OPEN_PASSTHROUGH, OPEN_PLAIN };

const char *open_mode_name(enum open_mode mode);
/* ERR_INVALID. */
int open_mode_parse(const char *name, enum open_mode *out);

/* What kernel, library and privileges allow. */
struct open_means {
	bool elide;
	const char *no_passthrough; /* why not; NULL: it can be done */
};

#define OPEN_REASON_SIZE 192
struct open_choice {
	enum open_mode mode; /* not OPEN_AUTO */
	bool as_asked;	     /* or it could not be */
	char reason[OPEN_REASON_SIZE];
};
/* OPEN_AUTO decides from the mean size of a file: see doc/decisions/opens.md. */
void open_mode_choose(enum open_mode asked, const struct totals *totals,
	const struct open_means *means, struct open_choice *out);

#endif
