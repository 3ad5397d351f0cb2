/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cache/objects/page_cache.h"

#define HUGE_PAGE (UINT64_C(2) << 20) /* bytes; where they are larger, none is made */

#ifdef HAVE_POSIX_FADVISE
void page_cache_read_ahead(int fd, bool yes)
{
	posix_fadvise(fd, 0, 0, yes ? POSIX_FADV_NORMAL : POSIX_FADV_RANDOM);
}

void page_cache_load(int fd, uint64_t start, uint64_t size)
{
	posix_fadvise(fd, (off_t)start, (off_t)size, POSIX_FADV_WILLNEED);
}

void page_cache_forget(int fd, uint64_t start, uint64_t size)
{
	posix_fadvise(fd, (off_t)start, (off_t)size, POSIX_FADV_DONTNEED);
}
#else
void page_cache_read_ahead(int fd, bool yes)
{
	(void)fd, (void)yes;
}
void page_cache_load(int fd, uint64_t start, uint64_t size)
{
	(void)fd, (void)start, (void)size;
}
void page_cache_forget(int fd, uint64_t start, uint64_t size)
{
	(void)fd, (void)start, (void)size;
}
#endif

#ifdef __linux__
void page_cache_look(int fd, uint64_t start, uint64_t size, struct page_cache_view *v)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes;
	void *map;

	v->start = start / page * page;
	bytes = (size_t)(start + size - v->start);
	v->pages = (bytes + page - 1) / page;
	v->page = 0;
	if (!bytes || v->pages > PAGE_CACHE_VIEW_MAX)
		return;
	map = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, (off_t)v->start);
	if (map == MAP_FAILED)
		return;
	if (mincore(map, bytes, v->in_memory) == 0)
		v->page = page;
	munmap(map, bytes);
}
#else
void page_cache_look(int fd, uint64_t start, uint64_t size, struct page_cache_view *v)
{
	(void)fd, (void)start, (void)size;
	v->page = v->pages = 0;
}
#endif

void page_cache_restore(int fd, const struct page_cache_view *v)
{
	size_t i = 0, first;

	while (v->page && i < v->pages) {
		for (; i < v->pages && v->in_memory[i] & 1; i++)
			;
		first = i;
		for (; i < v->pages && !(v->in_memory[i] & 1); i++)
			;
		if (i > first)
			page_cache_forget(
				fd, v->start + first * v->page, (i - first) * v->page);
	}
}

/* A fault in a map with this advice reads all of a huge page, and only that (Linux 5.18);
 * asked for so, it fails, instead of killing us, where the file was cut (Linux 5.14). */
static void prepare_hole(int fd, uint64_t at)
{
#if defined(MADV_HUGEPAGE) && defined(MADV_POPULATE_READ)
	void *map = mmap(NULL, HUGE_PAGE, PROT_READ, MAP_SHARED, fd, (off_t)at);

	if (map == MAP_FAILED)
		return;
	if (madvise(map, HUGE_PAGE, MADV_HUGEPAGE) == 0 &&
		madvise(map, HUGE_PAGE, MADV_RANDOM) == 0)
		(void)madvise(map, 1, MADV_POPULATE_READ);
	munmap(map, HUGE_PAGE);
#else
	(void)fd, (void)at;
#endif
}

void page_cache_prepare(int fd, uint64_t file_size, uint64_t start, uint64_t size)
{
	uint64_t at = (start + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;

	for (; at < start + size && file_size - at >= HUGE_PAGE; at += HUGE_PAGE)
		prepare_hole(fd, at);
}
