/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>

#include "cache/meta/space.h"
#include "cache/meta/transaction.h"
#include "cache/meta/victims.h"
#include "cache/objects/object_files.h"
#include "cache/write/housekeeping.h"

#define EVERY NS_PER_SECOND
#define READERS_EVERY (60 * NS_PER_SECOND)
/* Every process lets go of what was thrown out within two seconds, and no file system
 * frees later than it writes back. */
#define VICTIMS_FOR (10 * NS_PER_SECOND)
#define VICTIMS_AT_ONCE 256

bool housekeeping_is_due(const struct housekeeping *h)
{
	return clock_monotonic() >= h->next;
}

static bool is_valid(struct write_context *x, MDB_txn *txn, const struct object *o)
{
	struct object_record r;
	struct span value;

	if (!atomic_load(&o->recorded))
		return true;
	if (table_get_unchecked(
		    x->metadata, txn, TABLE_OBJECTS, span_of_digest(&o->digest), &value) ||
		object_record_peek(value, &r))
		return false;
	return r.instance == o->instance && r.drops == o->drops;
}

/* In another epoch, what is open was opened with too much trust. */
static void revalidate(struct write_context *x, MDB_txn *txn, bool all)
{
	struct object **list;
	size_t count;

	open_objects_list(x->open_objects, &list, &count);
	for (size_t i = 0; i < count; i++) {
		if (all || !is_valid(x, txn, list[i])) {
			atomic_store(&list[i]->gone, true);
			open_objects_remove(x->open_objects, list[i]);
		}
		object_put(list[i]);
	}
	free(list);
}

static bool enter_new_epoch(struct write_context *x, MDB_txn *txn)
{
	uint64_t generation;

	if (trust_epoch_generation(x->metadata, txn, &generation) ||
		generation <= atomic_load(&x->generation))
		return false;
	atomic_store(&x->generation, generation);
	return true;
}

static void look_at_open_objects(struct housekeeping *h, struct write_context *x)
{
	struct totals_record totals;
	bool rot = false, all;
	MDB_txn *txn;

	if (metadata_read(x->metadata, &txn))
		return;
	all = enter_new_epoch(x, txn);
	if (!totals_load(x->metadata, txn, &totals, &rot) &&
		(all || totals.changes != h->changes)) {
		h->changes = totals.changes;
		revalidate(x, txn, all);
	}
	metadata_read_end(x->metadata, txn);
	if (rot)
		write_queue_ask_repair(x->queue);
}

/* Of this process: the rows of a dead one are repair's. */
static size_t list_victims(struct write_context *x, struct victim *out, size_t max)
{
	uint64_t at = 0;
	uint32_t user;
	size_t n = 0;
	MDB_txn *txn;

	if (metadata_read(x->metadata, &txn))
		return 0;
	while (n < max && !victims_next(x->metadata, txn, at, &out[n], &user)) {
		at = out[n].instance + 1;
		n += user == x->directory->user;
		if (at == 0)
			break;
	}
	metadata_read_end(x->metadata, txn);
	return n;
}

static void let_victims_go(struct write_context *x, const struct victim *list, size_t count)
{
	uint64_t seen[VICTIMS_AT_ONCE];
	struct changes c = {.seen = seen};
	struct outcome o;

	for (size_t i = 0; i < count; i++)
		if (!object_file_remove(x->directory, &list[i].digest, list[i].instance))
			seen[c.seen_count++] = list[i].instance;
	if (c.seen_count &&
		!transaction_commit(x->metadata, write_context_deadline(), &c, &o))
		outcome_release(&o);
}

static void look_at_victims(struct housekeeping *h, struct write_context *x, int64_t now)
{
	struct victim list[VICTIMS_AT_ONCE];
	size_t count = list_victims(x, list, VICTIMS_AT_ONCE);

	if (!count) {
		h->victims_since = 0;
	} else if (!h->victims_since) {
		h->victims_since = now;
	} else if (now - h->victims_since >= VICTIMS_FOR) {
		let_victims_go(x, list, count);
		h->victims_since = 0;
	}
}

bool housekeeping_run(struct housekeeping *h, struct write_context *x)
{
	int64_t now = clock_monotonic();
	struct reservation_view view = reservation_view(write_queue_reservation(x->queue));
	bool idle = view.used == 0 && view.leased > 0 && view.leased == h->leased;

	h->next = now + EVERY;
	h->leased = view.leased;
	look_at_open_objects(h, x);
	look_at_victims(h, x, now);
	if (now >= h->next_readers) {
		h->next_readers = now + READERS_EVERY;
		metadata_check_readers(x->metadata);
	}
	return idle;
}
