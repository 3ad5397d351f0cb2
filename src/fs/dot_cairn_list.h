/* SPDX-License-Identifier: MIT */
/*
 * The directories of `.cairn` (dot_cairn.h) and their listings, of what is known. Any
 * thread.
 */
#ifndef CAIRN_FS_DOT_CAIRN_LIST_H
#define CAIRN_FS_DOT_CAIRN_LIST_H

#include "fs/request.h"

/* The lower part of their node ids; a link's is its index (revision_names.h) more. */
enum {
	DOT_CAIRN_TOP = 1,
	DOT_CAIRN_REVISIONS,
	DOT_CAIRN_TAGS,
	DOT_CAIRN_LINKS = 16,
};
uint64_t dot_cairn_node(uint64_t number);

/* Answers a listing of the directory of that number. */
void dot_cairn_list(struct request *r, uint64_t number);
/* A number that is another one when a listing would be, for its time. */
uint64_t dot_cairn_state(struct filesystem *fs);

#endif
