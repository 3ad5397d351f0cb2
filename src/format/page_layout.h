/* SPDX-License-Identifier: MIT */
/*
 * The records of a packed page, in native byte order. Only page.c, which reads them, and
 * page_packer.c, which writes them, include this. Records are copied in and out: a packed
 * page may lie at any address. Offsets called *_at are into the heap.
 */
#ifndef CAIRN_FORMAT_PAGE_LAYOUT_H
#define CAIRN_FORMAT_PAGE_LAYOUT_H

#include <assert.h>
#include <stdint.h>

#include "util/digest.h"

#define PAGE_MAGIC 0x47504e43u /* "CNPG", little endian */
#define PAGE_LAYOUT 2

struct page_header {
	uint32_t magic;
	uint16_t layout;
	uint16_t level;
	uint32_t count;
	uint32_t run_count;
	uint32_t file_count;
	uint32_t object_count;
	uint32_t heap_size;
	uint32_t reserved;
	uint64_t entries;
	uint64_t bytes;
};

/* What every entry has. */
struct page_row {
	int64_t mtime;
	uint64_t size;
	uint64_t inode;
	uint32_t mtime_nsec;
	uint32_t uid, gid;
	uint32_t links;
	uint32_t name_at;
	uint32_t file;	   /* place in the files + 1, 0: no content */
	uint32_t extra_at; /* PAGE_NO_EXTRA: none */
	uint16_t mode;
	uint16_t run;
	uint8_t name_size;
	uint8_t type;
	uint16_t reserved[3];
};
#define PAGE_NO_EXTRA UINT32_MAX

/* Rows of one directory: from `first` to the next run's. */
struct page_run {
	uint32_t parent_at;
	uint32_t parent_size;
	uint32_t first;
};

/* Where a file's bytes are. */
struct page_file {
	struct digest content;
	uint64_t offset;
	uint32_t object;
	uint32_t reserved;
};

struct page_object {
	struct digest digest;
	uint64_t size;
	uint32_t form;
	uint32_t count;
	uint32_t list_at;   /* chunk records, or the recipe's digest */
	uint32_t layout_at; /* OBJECT_LISTED: SHA-256 of the chunk records */
};

/* What few entries have: this head, then target, xattrs and extents in the heap. For a
 * file whose runs stand in a list, in place of the extents what names it. */
struct page_extra {
	uint32_t target_size;
	uint32_t xattrs_size;
	uint32_t extent_count; /* or PAGE_RUN_LIST */
	uint32_t major, minor;
};
#define PAGE_RUN_LIST UINT32_MAX

struct page_run_list {
	struct digest digest;
	uint64_t count, size;
};

struct page_child_row {
	struct digest digest;
	uint64_t entries;
	uint64_t bytes;
	uint64_t before; /* entries in the children before this one */
	uint32_t parent_at;
	uint32_t name_at;
	uint16_t parent_size;
	uint16_t name_size;
	uint32_t reserved;
};

static_assert(sizeof(struct page_header) == 48, "no hidden padding");
static_assert(sizeof(struct page_row) == 64, "no hidden padding");
static_assert(sizeof(struct page_run) == 12, "no hidden padding");
static_assert(sizeof(struct page_file) == 48, "no hidden padding");
static_assert(sizeof(struct page_object) == 56, "no hidden padding");
static_assert(sizeof(struct page_extra) == 20, "no hidden padding");
static_assert(sizeof(struct page_run_list) == 48, "no hidden padding");
static_assert(sizeof(struct page_child_row) == 72, "no hidden padding");

#endif
