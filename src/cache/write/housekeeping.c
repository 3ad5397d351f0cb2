/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>

#include "cache/objects/open_objects.h"
#include "cache/meta/eviction.h"
#include "cache/write/housekeeping.h"
#include "util/clock.h"

#define EVERY NS_PER_SECOND
#define READERS_EVERY (60 * NS_PER_SECOND)

bool housekeeping_is_due(const struct housekeeping *u)
{
	return clock_monotonic() >= u->next;
}

static bool is_valid(struct cache *c, MDB_txn *txn, const struct object *o)
{
	struct object_record r;
	struct span value;

	if (!atomic_load(&o->recorded))
		return true;
	if (metadata_get_unchecked(
		    c->metadata, txn, TABLE_OBJECTS, span_of_digest(&o->digest), &value) ||
		object_record_peek(value, &r))
		return false;
	return r.instance == o->instance && r.drops == o->drops;
}

static void revalidate(struct cache *c, MDB_txn *txn)
{
	struct object **list;
	size_t count;

	open_objects_list(c->open_objects, &list, &count);
	for (size_t i = 0; i < count; i++) {
		if (!is_valid(c, txn, list[i])) {
			atomic_store(&list[i]->gone, true);
			open_objects_remove(c->open_objects, list[i]);
		}
		object_put(list[i]);
	}
	free(list);
}

static void look_at_handles(struct housekeeping *u, struct cache *c)
{
	struct totals_record totals;
	MDB_txn *txn;

	if (metadata_read(c->metadata, &txn))
		return;
	if (!totals_load(c, txn, &totals) && totals.changes != u->changes) {
		u->changes = totals.changes;
		revalidate(c, txn);
	}
	metadata_read_end(c->metadata, txn);
}

bool housekeeping_run(struct housekeeping *u, struct cache *c)
{
	int64_t now = clock_monotonic();
	struct reservation_view view = reservation_view(&c->reservation);
	bool idle = view.used == 0 && view.leased > 0 && view.leased == u->leased;

	u->next = now + EVERY;
	u->leased = view.leased;
	look_at_handles(u, c);
	if (now >= u->next_readers) {
		u->next_readers = now + READERS_EVERY;
		metadata_check_readers(c->metadata);
	}
	return idle;
}
