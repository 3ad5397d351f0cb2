/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stddef.h>
#include <time.h>

#include "cache/insert.h"
#include "source/delivery.h"
#include "source/keep.h"
#include "util/clock.h"

#define TRY_EVERY (100 * NS_PER_MS) /* while another process holds the cache */

static struct in_flight *in_flight_of_item(struct keep_item *item)
{
	return (struct in_flight *)((char *)item - offsetof(struct in_flight, keep));
}

static void complain(struct engine *e, const struct digest *digest, const char *why)
{
	char hex[DIGEST_HEX_SIZE];

	if (!engine_may_complain(e))
		return;
	digest_to_hex(digest, hex);
	log_warning(engine_log(e), "blob %s cannot be kept in the cache: %s", hex, why);
}

static int try_keep(struct in_flight *f, const struct want *want)
{
	struct engine *e = f->table->engine;
	bool hurry = workers_are_behind(engine_workers(e)) ||
		     keep_queue_is_behind(engine_keeps(e));
	int rc;

	if (want->kind == BLOB_CHUNK)
		rc = cache_put_chunk(
			engine_cache(e), want, blob_buffer_span(f->content), hurry);
	else
		rc = cache_put_page(engine_cache(e), f->content);
	return rc;
}

/* The cache waits a bounded time for another process; who wants it kept may have more. */
static int keep_at(struct in_flight *f, const struct want *want)
{
	const struct timespec pause = {.tv_nsec = (long)TRY_EVERY};
	int rc;

	if (!in_flight_may_keep(f)) {
		cache_note_loss(engine_cache(f->table->engine));
		return ERR_TIMEOUT;
	}
	rc = try_keep(f, want);
	/* While it is known to be stopped, the cache does not wait at all. */
	while (rc == ERR_TIMEOUT && clock_monotonic() < in_flight_keep_deadline(f)) {
		nanosleep(&pause, NULL);
		rc = try_keep(f, want);
	}
	if (rc) {
		cache_note_loss(engine_cache(f->table->engine));
		complain(f->table->engine, &f->digest, error_text(rc));
	}
	return rc;
}

/* Its bytes are about to leave memory. */
static void keep_release(struct in_flight *f)
{
	in_flight_release_budget(f);
	keep_queue_leave(engine_keeps(f->table->engine), &f->keep);
}

static void keep_run(struct keep_item *item)
{
	struct in_flight *f = in_flight_of_item(item);
	unsigned kept = 0;
	struct want want;

	do {
		for (; in_flight_place(f, kept, &want); kept++)
			in_flight_set_kept(f, kept, keep_at(f, &want));
		keep_release(f);
	} while (!delivery_try_finish(f, kept));
}

/* The queue has given it up; it is kept all the same if somebody has come who insists. */
static void keep_give_up(struct in_flight *f)
{
	struct in_flight_table *t = f->table;
	struct engine *e = t->engine;
	struct digest digest = f->digest;

	pthread_mutex_lock(&t->table_mtx);
	if (f->keeps) {
		pthread_mutex_unlock(&t->table_mtx);
		keep_queue_add_again(engine_keeps(e), &f->keep);
		return;
	}
	keep_release(f);
	delivery_finish(f);
	cache_note_loss(engine_cache(e));
	complain(e, &digest, "too much waits to be written");
}

void keep_begin(struct in_flight *f)
{
	struct in_flight_table *t = f->table;
	struct keep_queue *q = engine_keeps(t->engine);
	uint64_t bytes = f->charged ? f->fetch.cost : blob_buffer_span(f->content).size;
	struct keep_item *item, *given_up;

	pthread_mutex_lock(&t->table_mtx);
	f->keep.insists = f->keeps || !f->delivered;
	pthread_mutex_unlock(&t->table_mtx);
	f->keep.run = keep_run;
	if (f->charged)
		fetcher_lower(engine_fetcher(t->engine), &f->fetch);
	given_up = keep_queue_add(q, &f->keep, bytes);
	while ((item = given_up)) {
		given_up = item->next;
		keep_give_up(in_flight_of_item(item));
	}
	keep_queue_run(q);
}

bool keep_may_copy(struct in_flight *f)
{
	struct in_flight_table *t = f->table;
	bool may;

	pthread_mutex_lock(&t->table_mtx);
	may = f->waits || in_flight_is_base(f) || t->stopping || f->keep.bytes ||
	      keep_queue_enter(engine_keeps(t->engine), &f->keep, f->size, &f->job);
	pthread_mutex_unlock(&t->table_mtx);
	return may;
}

void keep_cancel_copy(struct in_flight *f)
{
	keep_queue_leave(engine_keeps(f->table->engine), &f->keep);
}
