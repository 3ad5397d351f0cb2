/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/readahead_table.h"

#include <stddef.h>

void readahead_table_init(struct readahead_table *t)
{
	*t = (struct readahead_table){0};
	pthread_mutex_init(&t->table_mtx, NULL);
}

void readahead_table_release(struct readahead_table *t)
{
	pthread_mutex_destroy(&t->table_mtx);
}

/* The node's place, or the one to be given up for it. */
static size_t place_of(const struct readahead_table *t, uint64_t node)
{
	size_t oldest = 0;

	for (size_t i = 0; i < READAHEAD_FILES; i++) {
		if (t->nodes[i] == node)
			return i;
		if (t->ages[i] < t->ages[oldest])
			oldest = i;
	}
	return oldest;
}

struct plan readahead_table_note(struct readahead_table *t, uint64_t node,
	const struct readahead_limits *limits, uint64_t offset, uint64_t size)
{
	struct plan plan;
	size_t i;

	pthread_mutex_lock(&t->table_mtx);
	i = place_of(t, node);
	if (t->nodes[i] != node) {
		t->nodes[i] = node;
		t->files[i] = (struct readahead){0};
	}
	t->ages[i] = ++t->clock;
	plan = readahead_note(&t->files[i], limits, offset, size);
	pthread_mutex_unlock(&t->table_mtx);
	return plan;
}
