/* SPDX-License-Identifier: MIT */
/*
 * A node id for some rows of a leaf: pairs in the order of their rows, for of most leaves
 * there are few. For node_table.c, which has the lock.
 */
#ifndef CAIRN_FS_ROWS_H
#define CAIRN_FS_ROWS_H

#include <stdint.h>

struct row_node;
/* Zero is an empty one. */
struct rows {
	struct row_node *items;
	uint32_t count, capacity;
};
struct row_node {
	uint32_t row;
	uint64_t node;
};

void rows_release(struct rows *r);
/* 0: the row has none. */
uint64_t rows_get(const struct rows *r, uint32_t row);
/* Room for one row more. ERR_NO_MEMORY. */
int rows_reserve(struct rows *r);
/* 0 takes the row's out. Else the row has one already, or there is room. */
void rows_set(struct rows *r, uint32_t row, uint64_t node);

#endif
