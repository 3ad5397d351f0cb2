/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cache/meta/space.h"
#include "cache/write/housekeeping.h"
#include "cache/write/leftovers.h"
#include "cache/write/revalidation.h"

#define EVERY NS_PER_SECOND
#define READERS_EVERY (60 * NS_PER_SECOND)

bool housekeeping_is_due(const struct housekeeping *h)
{
	return clock_monotonic() >= h->next;
}

/* Is there another one than this process marks under? From now on it is this one: what is
 * opened meanwhile looks at it once more. */
static bool enter_new_epoch(struct write_context *x, MDB_txn *txn)
{
	uint64_t generation;

	if (trust_epoch_generation(x->metadata, txn, &generation) ||
		generation == atomic_load(&x->generation))
		return false;
	atomic_store(&x->generation, generation);
	return true;
}

static void look_at_open_objects(struct housekeeping *h, struct write_context *x)
{
	struct totals_record totals;
	bool rot = false;
	MDB_txn *txn;

	if (metadata_read(x->metadata, &txn))
		return;
	/* Damaged books have none that is to be remembered. */
	x->has_limits = setting_get(x->metadata, txn, SETTING_LIMITS, &x->limits,
				sizeof x->limits) == 0 ||
			x->has_limits;
	h->distrust = enter_new_epoch(x, txn) || h->distrust;
	if (!totals_load(x->metadata, txn, &totals, &rot) &&
		(h->distrust || totals.changes != h->changes) &&
		!revalidation_run(x, txn, h->distrust)) {
		h->changes = totals.changes;
		h->distrust = false;
	}
	metadata_read_end(x->metadata, txn);
	if (rot)
		write_queue_ask_repair(x->queue);
}

bool housekeeping_run(struct housekeeping *h, struct write_context *x)
{
	int64_t now = clock_monotonic();
	struct reservation_view view = reservation_view(write_queue_reservation(x->queue));
	bool idle = view.used == 0 && view.leased > 0 && view.leased == h->leased;

	h->next = now + EVERY;
	h->leased = view.leased;
	look_at_open_objects(h, x);
	log_tick(x->log);
	leftovers_finish(x, LEFTOVERS_OLD);
	if (now >= h->next_readers) {
		h->next_readers = now + READERS_EVERY;
		metadata_check_readers(x->metadata);
	}
	return idle;
}
