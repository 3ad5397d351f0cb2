/* SPDX-License-Identifier: MIT */
/*
 * What the kernel is told about the files of objects, for its page cache. No errors: it
 * is advice, and all works without.
 */
#ifndef CAIRN_CACHE_OBJECTS_PAGE_CACHE_H
#define CAIRN_CACHE_OBJECTS_PAGE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether to read ahead of whoever reads the file. Not where it has holes: they would be
 * filled with pages of zeros, megabytes beyond each chunk that is read. */
void page_cache_read_ahead(int fd, bool yes);
/* These bytes are wanted soon. */
void page_cache_load(int fd, uint64_t start, uint64_t size);
/* What it has of them may be right while the disk is not. */
void page_cache_forget(int fd, uint64_t start, uint64_t size);
/* Which of some bytes are in memory, so that who only looks can leave it as it was. */
#define PAGE_CACHE_VIEW_MAX 520 /* pages: a chunk's, and two ends */
struct page_cache_view {
	uint64_t start; /* of the first page, bytes */
	size_t page;	/* bytes; 0: nothing is known */
	size_t pages;
	unsigned char in_memory[PAGE_CACHE_VIEW_MAX]; /* bit 0 */
};
void page_cache_look(int fd, uint64_t start, uint64_t size, struct page_cache_view *v);
/* What was not in memory then, and is now, is forgotten. */
void page_cache_restore(int fd, const struct page_cache_view *v);
/* These bytes of a file of `file_size` are about to be written, and what follows them
 * probably soon: gives huge pages to the hole that they go to. Chunks start and end
 * anywhere, so that what they write would lie in small pages, each of which is mapped and
 * looked up alone; the figures are in doc/decisions/page-cache.md. */
void page_cache_prepare(int fd, uint64_t file_size, uint64_t start, uint64_t size);

#endif
