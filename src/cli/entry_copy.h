/* SPDX-License-Identifier: MIT */
/* An entry copied out of its page, to be used after the attempt that found it. No I/O. */
#ifndef CAIRN_CLI_ENTRY_COPY_H
#define CAIRN_CLI_ENTRY_COPY_H

#include "format/entry.h"

struct entry_copy {
	struct bytes packed;
	struct entry entry; /* borrows from packed */
};
/* `out` is to be released; nothing in it borrows from `e`. ERR_NO_MEMORY. */
int entry_copy(const struct entry *e, struct entry_copy *out);
/* Takes one of zeros, too, and leaves one. */
void entry_copy_release(struct entry_copy *c);

#endif
