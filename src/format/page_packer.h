/* SPDX-License-Identifier: MIT */
/*
 * Packs the rows of one page into the form that page.h reads. Called by page_json.c, which
 * takes pages in, and by whoever makes a page up (cli/, tests). Pure; one thread at a time.
 */
#ifndef CAIRN_FORMAT_PAGE_PACKER_H
#define CAIRN_FORMAT_PAGE_PACKER_H

#include "format/page.h"

struct page_packer;
/* `level` 0: a leaf. NULL without memory, or over PAGE_LEVEL_MAX. */
struct page_packer *page_packer_new(unsigned level);
void page_packer_free(struct page_packer *k);
/* Adds a row; rows come in key order. Copies; an inode of 0 becomes the one that the key
 * gives. ERR_CORRUPT when the order is violated (or a name, a size, a type ... breaks its
 * rule), ERR_LIMIT over PAGE_ROWS_MAX. After a failure the packer is good for nothing but
 * page_packer_free(). */
int page_packer_entry(struct page_packer *k, const struct entry *e);
int page_packer_child(struct page_packer *k, const struct page_child *c);
/* page_packer_entry() that names the column which broke a rule. */
int page_packer_put(struct page_packer *k, const struct entry *e, const char **column);
/* The objects that the rows so far use. */
uint32_t page_packer_objects(const struct page_packer *k);
/* Appends the packed page to out. ERR_INVALID when it has no rows. */
int page_packer_finish(struct page_packer *k, struct bytes *out);

#endif
