/* SPDX-License-Identifier: MIT */
/*
 * The readahead of the files that are being read, by node id: where opens are not sent
 * there is no open file to keep it in. Bounded, the one that was read longest ago goes. Own
 * lock, held for some hundred instructions; any thread.
 */
#ifndef CAIRN_FS_READAHEAD_TABLE_H
#define CAIRN_FS_READAHEAD_TABLE_H

#include <pthread.h>

#include "fs/readahead.h"

#define READAHEAD_FILES 64

struct readahead_table {
	pthread_mutex_t table_mtx;	 /* all below */
	uint64_t nodes[READAHEAD_FILES]; /* 0: empty */
	uint64_t ages[READAHEAD_FILES];
	struct readahead files[READAHEAD_FILES];
	uint64_t clock;
};

void readahead_table_init(struct readahead_table *t);
void readahead_table_release(struct readahead_table *t);
/* readahead_note() for a node, in bytes of its file. */
struct plan readahead_table_note(struct readahead_table *t, uint64_t node,
	const struct readahead_limits *limits, uint64_t offset, uint64_t size);

#endif
