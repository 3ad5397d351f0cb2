/* SPDX-License-Identifier: MIT */
/*
 * What the kernel is told about the files of objects, for its page cache. No errors: it
 * is advice, and all works without.
 */
#ifndef CAIRN_CACHE_OBJECTS_PAGE_CACHE_H
#define CAIRN_CACHE_OBJECTS_PAGE_CACHE_H

#include <stdbool.h>
#include <stdint.h>

/* Whether to read ahead of whoever reads the file. Not where it has holes: they would be
 * filled with pages of zeros, megabytes beyond each chunk that is read. */
void page_cache_read_ahead(int fd, bool yes);
/* These bytes are wanted soon. */
void page_cache_load(int fd, uint64_t start, uint64_t size);
/* What it has of them may be right while the disk is not. */
void page_cache_forget(int fd, uint64_t start, uint64_t size);
/* These bytes of a file of `file_size` are about to be written, and what follows them
 * probably soon: gives huge pages to the hole that they go to. Chunks start and end
 * anywhere, so that what they write would lie in small pages, each of which is mapped and
 * looked up alone; the figures are in doc/decisions/page-cache.md. */
void page_cache_prepare(int fd, uint64_t file_size, uint64_t start, uint64_t size);

#endif
