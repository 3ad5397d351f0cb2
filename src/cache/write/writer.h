/* SPDX-License-Identifier: MIT */
/*
 * One thread per open cache, "cairn-commit", that writes to the books what the write
 * queue was handed, many things in one transaction. What cannot be committed is dropped:
 * pages then stay uncached, marks are forgotten together with the open object. What
 * cannot be tried, because a stopped process holds the books, is kept and tried again. The
 * thread also does the housekeeping and repairs.
 */
#ifndef CAIRN_CACHE_WRITE_WRITER_H
#define CAIRN_CACHE_WRITE_WRITER_H

#include "cache/write/write_context.h"

struct writer;
/* ERR_NO_MEMORY, ERR_IO. The context outlives it. After any fork. */
int writer_new(struct write_context *x, struct writer **out);
/* Commits what is pending, then ends the thread. */
void writer_free(struct writer *w);

#endif
