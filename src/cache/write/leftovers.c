/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cache/meta/victims.h"
#include "cache/objects/object_files.h"
#include "cache/write/leftovers.h"

#define OLD 3 /* seconds */
#define AT_ONCE 256

static bool is_old(const struct victim *v)
{
	int64_t now = clock_realtime() / NS_PER_SECOND;

	/* One of the future is of a clock that was set back. */
	return v->since <= now - OLD || v->since > now;
}

static bool is_left_over(struct write_context *x, enum leftovers which,
	const struct victim *v, uint32_t user)
{
	if (which == LEFTOVERS_ALL)
		return true;
	if (which == LEFTOVERS_OWN)
		return user == x->directory->user;
	return is_old(v) &&
	       (user == x->directory->user || !directory_user_lives(x->directory, user));
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

/* False: not now. */
static bool let_go(struct write_context *x, const struct victim *list, size_t count)
{
	uint64_t seen[AT_ONCE];
	struct changes c = {.seen = seen};
	struct outcome o;

	for (size_t i = 0; i < count; i++)
		if (!object_file_remove(x->directory, &list[i].digest, list[i].instance))
			seen[c.seen_count++] = list[i].instance;
	if (!c.seen_count || write_context_commit(x, &c, &o))
		return false;
	outcome_release(&o);
	return true;
}

void leftovers_finish(struct write_context *x, enum leftovers which)
{
	struct victim list[AT_ONCE];
	uint64_t at = 0;
	size_t count;

	do {
		count = list_leftovers(x, which, &at, list);
	} while (count && let_go(x, list, count) && count == AT_ONCE);
}
