/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cache/meta/victims.h"
#include "cache/write/leftovers.h"
#include "cache/write/victim_files.h"

#define OTHERS_AFTER 10 /* seconds: their evictor may be stopped */
#define STUCK_EVERY 8	/* seconds */
#define AT_ONCE 256

static int64_t age_of(const struct victim *v)
{
	int64_t now = clock_realtime() / NS_PER_SECOND;

	/* One of the future is of a clock that was set back. */
	return v->since > now ? INT64_MAX : (int64_t)((uint64_t)now - (uint64_t)v->since);
}

static bool is_due(struct write_context *x, const struct victim *v, uint32_t user)
{
	int64_t age = age_of(v);

	if (user != x->directory->user && age >= 0 && age < OTHERS_AFTER &&
		directory_user_lives(x->directory, user))
		return false;
	if (v->state == VICTIM_GONE)
		return age < 0 || age >= VICTIM_AWAITED;
	return v->state == VICTIM_HELD || age % STUCK_EVERY == 0;
}

static bool is_left_over(struct write_context *x, enum leftovers which,
	const struct victim *v, uint32_t user)
{
	switch (which) {
	case LEFTOVERS_HELD:
		return user == x->directory->user && v->state == VICTIM_HELD;
	case LEFTOVERS_OLD:
		return is_due(x, v, user);
	case LEFTOVERS_OWN:
		return user == x->directory->user;
	default:
		return true;
	}
}

/* Those at or after *at, which goes on; 0: there are no more. */
static size_t list_leftovers(struct write_context *x, enum leftovers which, uint64_t *at,
	struct victim out[AT_ONCE])
{
	uint32_t user;
	size_t n = 0;
	MDB_txn *txn;

	if (metadata_read(x->metadata, &txn))
		return 0;
	while (n < AT_ONCE && !victims_next(x->metadata, txn, *at, &out[n], &user)) {
		if (__builtin_add_overflow(out[n].instance, 1, at))
			break;
		n += is_left_over(x, which, &out[n], user);
	}
	metadata_read_end(x->metadata, txn);
	return n;
}

static bool has_gone(const struct victim *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].state == VICTIM_GONE)
			return true;
	return false;
}

void leftovers_finish(struct write_context *x, enum leftovers which)
{
	bool waits = which == LEFTOVERS_HELD || which == LEFTOVERS_OLD, settled = false;
	struct victim list[AT_ONCE];
	uint64_t at = 0;
	size_t count;

	do {
		count = list_leftovers(x, which, &at, list);
		if (which == LEFTOVERS_OLD && !settled && has_gone(list, count)) {
			directory_settle(x->directory);
			settled = true;
		}
		victim_files_remove(
			x, list, count, waits ? VICTIM_FILES_LATER : VICTIM_FILES_LAST);
	} while (count == AT_ONCE);
}
