/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/recent_failures.h"

#include <stdbool.h>

#include "util/error.h"

void recent_failures_init(struct recent_failures *f)
{
	*f = (struct recent_failures){0};
	pthread_mutex_init(&f->failures_mtx, NULL);
}

void recent_failures_release(struct recent_failures *f)
{
	pthread_mutex_destroy(&f->failures_mtx);
}

void recent_failures_note(struct recent_failures *f, const struct digest *leaf,
	uint32_t row, struct run bytes, int error, int64_t now)
{
	if (error != ERR_TIMEOUT && error != ERR_UNREACHABLE)
		return;
	pthread_mutex_lock(&f->failures_mtx);
	f->items[f->next] = (struct recent_failure){
		*leaf, row, bytes, error, now + RECENT_FAILURE_NS};
	f->next = (f->next + 1) % RECENT_FAILURES_KEPT;
	pthread_mutex_unlock(&f->failures_mtx);
}

static bool runs_overlap(struct run a, struct run b)
{
	return a.start < b.start ? b.start - a.start < a.size : a.start - b.start < b.size;
}

/* From the newest to the first whose time is over. */
int recent_failures_find(struct recent_failures *f, const struct digest *leaf, uint32_t row,
	struct run bytes, int64_t now)
{
	int error = 0;

	pthread_mutex_lock(&f->failures_mtx);
	for (unsigned i = 1; i <= RECENT_FAILURES_KEPT && !error; i++) {
		const struct recent_failure *b =
			&f->items[(f->next + RECENT_FAILURES_KEPT - i) %
				  RECENT_FAILURES_KEPT];

		if (b->until <= now)
			break;
		if (b->row == row && runs_overlap(b->bytes, bytes) &&
			digest_equal(&b->leaf, leaf))
			error = b->error;
	}
	pthread_mutex_unlock(&f->failures_mtx);
	return error;
}
