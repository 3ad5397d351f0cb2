/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "cache/delta_base.h"
#include "source/download.h"
#include "cache/insert.h"
#include "source/decode.h"
#include "util/clock.h"

static void course_arrived(struct job *job);

static struct flight *flight_of_job(struct job *job)
{
	return (struct flight *)((char *)job - offsetof(struct flight, job));
}

static struct flight *flight_of_fetch(struct fetch *fetch)
{
	return (struct flight *)((char *)fetch - offsetof(struct flight, fetch));
}

static bool place_at(struct flight *f, unsigned index, struct want *out)
{
	bool is_there;

	pthread_mutex_lock(&f->source->source_mtx);
	is_there = index < f->place_count;
	if (is_there)
		*out = f->places[index];
	pthread_mutex_unlock(&f->source->source_mtx);
	return is_there;
}

/* Not kept is not lost: those who wait are served from memory. */
static void keep(struct flight *f, const struct want *want)
{
	struct engine *e = f->source->engine;
	char hex[DIGEST_HEX_SIZE];
	int rc;

	if (want->kind == BLOB_CHUNK)
		rc = cache_put_chunk(e->cache, want, arrival_span(f->arrival),
			workers_are_behind(e->workers));
	else
		rc = cache_put_page(e->cache, f->arrival);
	if (rc && engine_may_complain(e)) {
		digest_to_hex(&want->digest, hex);
		log_warning(e->log, "blob %s cannot be kept in the cache: %s", hex,
			error_text(rc));
	}
}

static void course_store(struct flight *f)
{
	unsigned stored = 0;
	struct want want;

	do {
		for (; place_at(f, stored, &want); stored++)
			keep(f, &want);
		flight_settle(f);
	} while (!flight_try_land(f, stored));
}

/* FETCHING. */

static void course_done(struct fetch *fetch)
{
	struct flight *f = flight_of_fetch(fetch);
	struct source *s = f->source;

	pthread_mutex_lock(&s->source_mtx);
	f->stage = FLIGHT_DECODING;
	f->charged = true;
	/* Under the lock, so that nobody sees the flight without its worker. */
	flight_queue(f, course_arrived);
	pthread_mutex_unlock(&s->source_mtx);
}

static void fetch_fill(struct flight *f)
{
	struct fetch *fetch = &f->fetch;

	if (f->base_content)
		arrival_put(f->base_content);
	f->base_content = NULL;
	bytes_release(&fetch->body);
	memset(fetch, 0, sizeof(*fetch));
	fetch->mirrors = f->source->mirrors;
	blob_path(&f->digest, fetch->path);
	fetch->size_max = parcel_stored_max(f->kind, f->size);
	fetch->cost = parcel_cost(f->kind, f->size);
	fetch->priority = f->priority;
	fetch->deadline = f->deadline;
	fetch->revalidate = f->last_try;
	fetch->avoid = f->avoid;
	fetch->done = course_done;
}

/* Hands the flight to the fetcher, unless nobody is left who wants it. */
static void course_launch(struct flight *f)
{
	struct source *s = f->source;

	flight_settle(f);
	pthread_mutex_lock(&s->source_mtx);
	if (s->stopping || !flight_is_needed(f))
		f->error = trouble_set(&f->trouble, ERR_INTERRUPTED, "nobody waits for it");
	else if (s->offline)
		f->error = trouble_set(&f->trouble, ERR_UNREACHABLE,
			"it is not in the cache, and no server is asked");
	if (f->error) {
		flight_land(f);
		return;
	}
	f->stage = FLIGHT_FETCHING;
	f->cancelled = false;
	fetch_fill(f);
	fetcher_submit(s->engine->fetcher, &f->fetch);
	pthread_mutex_unlock(&s->source_mtx);
}

/* DECODING. */

static void name_url(struct flight *f, char *url, size_t size)
{
	unsigned mirror = f->fetch.mirror < 0 ? 0 : (unsigned)f->fetch.mirror;

	snprintf(
		url, size, "%s/%s", mirrors_url(f->source->mirrors, mirror), f->fetch.path);
}

/* Asks all mirrors anew, once. */
static bool try_last(struct flight *f)
{
	if (f->last_try)
		return false;
	f->last_try = true;
	f->avoid = 0;
	course_launch(f);
	return true;
}

/* Remembers who it was. True when there are mirrors that were not asked yet. */
static bool blame_mirror(struct flight *f)
{
	struct mirrors *mirrors = f->source->mirrors;
	int mirror = f->fetch.mirror;

	if (mirror < 0)
		return false;
	mirrors_failed(mirrors, (unsigned)mirror, MIRROR_WRONG_BYTES, clock_monotonic());
	/* The last of MIRRORS_MAX has no bit, hence the count. */
	if (mirror < 64)
		f->avoid |= UINT64_C(1) << mirror;
	return ++f->wrong < mirrors_count(mirrors);
}

/* The mirror's bytes are not those of that name; `why` is about them. */
static void course_wrong(struct flight *f, const char *why)
{
	char url[URL_SIZE_MAX + FETCH_PATH_MAX];
	bool others = blame_mirror(f);

	name_url(f, url, sizeof(url));
	log_warning(f->source->engine->log, "%s: wrong bytes: %s", url, why);
	if (others && !f->last_try) {
		course_launch(f);
		return;
	}
	if (try_last(f))
		return;
	f->error = trouble_set(&f->trouble, ERR_CORRUPT, "%s: wrong bytes: %s", url, why);
	flight_fail(f);
}

/* Cancelled when all had left: who came since then wants it still. */
static bool was_cancelled(struct flight *f)
{
	bool cancelled;

	pthread_mutex_lock(&f->source->source_mtx);
	cancelled = f->cancelled;
	pthread_mutex_unlock(&f->source->source_mtx);
	return cancelled;
}

/* No mirror gave it, or not in time: then who has more time has another try. */
static void course_fail(struct flight *f)
{
	if (flight_expire(f))
		course_launch(f);
	else
		flight_fail(f);
}

static void course_refused(struct flight *f)
{
	const struct fetch *fetch = &f->fetch;
	int error = fetch->error;

	if (error == ERR_INTERRUPTED && was_cancelled(f)) {
		course_launch(f);
		return;
	}
	if (error == ERR_LIMIT) {
		course_wrong(f, "it is longer than such a blob can be");
		return;
	}
	/* Some mirrors had wrong bytes, and the others have nothing. */
	if (f->avoid && error != ERR_TIMEOUT && error != ERR_INTERRUPTED && try_last(f))
		return;
	f->error = error;
	f->trouble = fetch->trouble;
	course_fail(f);
}

/* Sends for the base of a delta. The budget's bytes are given back before, or deltas
 * could hold all of it while they wait for bases that get none; what stays in memory is
 * a delta's stored form, and nobody stores a long delta. */
static void course_depend(struct flight *f, const struct digest *base)
{
	int rc;

	flight_settle(f);
	pthread_mutex_lock(&f->source->source_mtx);
	rc = flight_board_base(f, base);
	pthread_mutex_unlock(&f->source->source_mtx);
	if (!rc)
		return; /* it is the base's now */
	f->error = trouble_set(&f->trouble, rc, "%s", error_text(rc));
	flight_fail(f);
}

static int open_parcel(struct flight *f, const struct parcel *parcel,
	const struct blob_head *head, bool *wrong, struct trouble *why)
{
	struct engine *e = f->source->engine;
	struct blob_codec *codec = engine_codec_get(e);
	struct span base = {0};
	int rc;

	*wrong = false;
	if (!codec)
		return trouble_set(why, ERR_NO_MEMORY, "%s", error_text(ERR_NO_MEMORY));
	if (head->has_base)
		base = arrival_span(f->base_content);
	rc = parcel_open(parcel, head, codec, base, &f->arrival, wrong, why);
	engine_codec_put(e, codec);
	return rc;
}

/* The right bytes, but nothing that we can use: no other mirror has better ones. */
static void course_useless(struct flight *f, int rc, const char *why)
{
	char url[URL_SIZE_MAX + FETCH_PATH_MAX];

	name_url(f, url, sizeof(url));
	log_warning(f->source->engine->log, "%s: %s", url, why);
	f->error = trouble_set(&f->trouble, rc, "%s: %s", url, why);
	flight_fail(f);
}

static void course_open(struct flight *f)
{
	const struct parcel parcel = {
		f->kind, f->digest, f->size, span_of_bytes(&f->fetch.body)};
	struct trouble why = {0};
	struct blob_head head;
	bool wrong = true;
	int rc = parcel_head(&parcel, &head, &why);

	if (!rc && head.has_base && !f->base_content) {
		course_depend(f, &head.base);
		return;
	}
	if (!rc)
		rc = open_parcel(f, &parcel, &head, &wrong, &why);
	if (rc && wrong) {
		course_wrong(f, why.text);
	} else if (rc) {
		course_useless(f, rc, why.text);
	} else {
		bytes_release(&f->fetch.body);
		course_store(f);
	}
}

static void course_arrived(struct job *job)
{
	struct flight *f = flight_of_job(job);

	if (f->fetch.error)
		course_refused(f);
	else
		course_open(f);
}

/* A base that is not there, or no base, speaks against the bytes that name it. */
void course_resume(struct job *job)
{
	struct flight *f = flight_of_job(job);
	char why[TROUBLE_MAX];

	if (!f->error) {
		course_open(f);
	} else if (f->error == ERR_ABSENT || f->error == ERR_CORRUPT) {
		snprintf(why, sizeof(why), "its base: %.*s", TROUBLE_MAX - 16,
			f->trouble.text);
		f->error = 0;
		course_wrong(f, why);
	} else {
		course_fail(f);
	}
}

/* LOCAL. */

/* Is it at all its places by now? Counts them in *seen. */
static bool is_here(struct flight *f, unsigned *seen)
{
	struct want want;

	while (place_at(f, *seen, &want)) {
		if (!cache_has(f->source->engine->cache, &want))
			return false;
		(*seen)++;
	}
	return true;
}

/* From another place in the cache. */
static int copy_local(struct flight *f)
{
	struct cache *cache = f->source->engine->cache;
	struct arrival *a;
	int rc;

	if (flight_is_base(f))
		return base_recall(cache, &f->digest, &f->arrival);
	if (f->size > CHUNK_SIZE_MAX)
		return ERR_LIMIT;
	a = arrival_new(f->kind, &f->digest, f->size);
	if (!a)
		return ERR_NO_MEMORY;
	rc = cache_copy_chunk(cache, &f->digest, arrival_data(a), f->size);
	if (rc)
		arrival_put(a);
	else
		f->arrival = a;
	return rc;
}

void course_look(struct job *job)
{
	struct flight *f = flight_of_job(job);
	unsigned seen = 0;

	/* A base has no place where it could be. */
	while (!flight_is_base(f) && is_here(f, &seen))
		if (flight_try_land(f, seen))
			return;
	if (f->kind == BLOB_CHUNK && copy_local(f) == 0)
		course_store(f);
	else
		course_launch(f);
}
