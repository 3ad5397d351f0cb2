/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "cache/delta_base.h"
#include "cache/insert.h"
#include "source/decode.h"
#include "source/delivery.h"
#include "source/download.h"
#include "source/keep.h"
#include "util/clock.h"

static void download_fetched(struct job *job);

static struct in_flight *in_flight_of_fetch(struct fetch *fetch)
{
	return (struct in_flight *)((char *)fetch - offsetof(struct in_flight, fetch));
}

/* Whoever waits for the bytes gets them before they are kept. */
static void download_deliver(struct in_flight *f)
{
	struct in_flight_table *t = f->table;

	if (in_flight_is_base(f)) {
		in_flight_release_budget(f);
		pthread_mutex_lock(&t->table_mtx);
		delivery_finish(f);
		return;
	}
	if (f->kind == BLOB_CHUNK)
		engine_note_delivered(t->engine, f->size);
	delivery_begin(f);
	keep_begin(f);
}

/* FETCHING. */

static void download_done(struct fetch *fetch)
{
	struct in_flight *f = in_flight_of_fetch(fetch);
	struct in_flight_table *t = f->table;

	pthread_mutex_lock(&t->table_mtx);
	f->stage = IN_FLIGHT_DECODING;
	f->charged = true;
	if (f->deadline < fetch->deadline)
		f->deadline = fetch->deadline; /* it was moved by progress */
	/* Under the lock, so that nobody sees it without its worker. */
	in_flight_queue(f, download_fetched);
	pthread_mutex_unlock(&t->table_mtx);
}

static void fetch_fill(struct in_flight *f)
{
	struct fetch *fetch = &f->fetch;

	if (f->base_content)
		blob_buffer_put(f->base_content);
	f->base_content = NULL;
	bytes_release(&fetch->body);
	memset(fetch, 0, sizeof *fetch);
	fetch->mirrors = f->table->mirrors;
	blob_path(&f->digest, fetch->path);
	fetch->size_max = decode_stored_max(f->kind, f->size);
	fetch->cost = decode_cost(f->kind, f->size);
	fetch->priority = f->priority;
	fetch->deadline = f->deadline;
	fetch->patience = f->deadline - clock_monotonic();
	fetch->resumable = !f->whole;
	fetch->revalidate = f->last_try;
	fetch->vouched = true;
	fetch->avoid = f->avoid;
	fetch->done = download_done;
}

/* Hands it to the fetcher, unless nobody is left who wants it. */
static void download_start(struct in_flight *f)
{
	struct in_flight_table *t = f->table;

	in_flight_release_budget(f);
	pthread_mutex_lock(&t->table_mtx);
	if (t->stopping || !in_flight_is_needed(f))
		f->error = trouble_set(&f->trouble, ERR_INTERRUPTED, "nobody waits for it");
	else if (t->offline)
		f->error = trouble_set(&f->trouble, ERR_UNREACHABLE,
			"it is not in the cache, and no server is asked");
	if (f->error) {
		delivery_finish(f);
		return;
	}
	f->stage = IN_FLIGHT_FETCHING;
	f->cancelled = false;
	fetch_fill(f);
	fetcher_submit(engine_fetcher(t->engine), &f->fetch);
	pthread_mutex_unlock(&t->table_mtx);
}

/* DECODING. */

static void name_url(struct in_flight *f, char *url, size_t size)
{
	unsigned mirror = f->fetch.mirror < 0 ? 0 : (unsigned)f->fetch.mirror;

	snprintf(url, size, "%s/%s", mirrors_url(f->table->mirrors, mirror), f->fetch.path);
}

/* Asks all mirrors anew, once. */
static bool try_last(struct in_flight *f)
{
	if (f->last_try)
		return false;
	f->last_try = true;
	f->avoid = 0;
	download_start(f);
	return true;
}

/* Remembers who it was. True when there are mirrors that were not asked yet. */
static bool blame_mirror(struct in_flight *f)
{
	struct mirrors *mirrors = f->table->mirrors;
	int mirror = f->fetch.mirror;

	if (mirror < 0)
		return false;
	mirrors_failed(mirrors, f->fetch.server, MIRROR_WRONG_BYTES, clock_monotonic());
	/* The last of MIRRORS_MAX has no bit, hence the count. */
	if (mirror < 64)
		f->avoid |= UINT64_C(1) << mirror;
	return ++f->wrong < mirrors_count(mirrors);
}

/* Who sent which of the bytes is not known: they are asked for in one piece. */
static void download_whole(struct in_flight *f, const char *url, const char *why)
{
	log_info(engine_log(f->table->engine), "%s: wrong bytes after it was resumed: %s",
		url, why);
	f->whole = true;
	download_start(f);
}

/* The mirror's bytes are not those of that name; `why` is about them. */
static void download_wrong(struct in_flight *f, const char *why)
{
	char url[URL_SIZE_MAX + FETCH_PATH_MAX];
	bool others;

	name_url(f, url, sizeof url);
	if (f->fetch.pieced) {
		download_whole(f, url, why);
		return;
	}
	others = blame_mirror(f);
	log_warning(engine_log(f->table->engine), "%s: wrong bytes: %s", url, why);
	if (others && !f->last_try) {
		download_start(f);
		return;
	}
	if (try_last(f))
		return;
	f->error = trouble_set(&f->trouble, ERR_CORRUPT, "%s: wrong bytes: %s", url, why);
	delivery_fail(f);
}

/* No mirror gave it, or not in time: then who has more time has another try. */
static void download_fail(struct in_flight *f)
{
	if (delivery_fail_overdue(f))
		download_start(f);
}

/* A revision that was opened names it, so it was there. */
static void download_absent(struct in_flight *f)
{
	f->error = trouble_set(&f->trouble, ERR_ABSENT,
		"%.700s: the store is damaged, or the revision was pruned from it (cairn "
		"gc): use a newer one",
		f->fetch.trouble.text);
}

static void download_refused(struct in_flight *f)
{
	const struct fetch *fetch = &f->fetch;
	int error = fetch->error;

	/* All had left: who came since then wants it still. */
	if (error == ERR_INTERRUPTED) {
		download_start(f);
		return;
	}
	if (error == ERR_LIMIT) {
		download_wrong(f, "it is longer than such a blob can be");
		return;
	}
	/* Some mirrors had wrong bytes, and the others have nothing. */
	if (f->avoid && error != ERR_TIMEOUT && try_last(f))
		return;
	f->error = error;
	f->trouble = fetch->trouble;
	if (error == ERR_ABSENT)
		download_absent(f);
	download_fail(f);
}

/* Sends for the base of a delta. The budget's bytes are given back before, or deltas
 * could hold all of it while they wait for bases that get none; what stays in memory is
 * a delta's stored form, and nobody stores a long delta. */
static void download_need_base(struct in_flight *f, const struct digest *base)
{
	int rc;

	in_flight_release_budget(f);
	pthread_mutex_lock(&f->table->table_mtx);
	rc = in_flight_join_base(f, base);
	pthread_mutex_unlock(&f->table->table_mtx);
	if (!rc)
		return; /* it is the base's now */
	f->error = trouble_set(&f->trouble, rc, "%s", error_text(rc));
	delivery_fail(f);
}

static int decode_with_codec(struct in_flight *f, const struct decode *d,
	const struct blob_head *head, bool *wrong, struct trouble *why)
{
	struct engine *e = f->table->engine;
	struct blob_codec *codec = codec_pool_get(engine_codecs(e));
	struct span base = {0};
	int rc;

	*wrong = false;
	if (!codec)
		return trouble_set(why, ERR_NO_MEMORY, "%s", error_text(ERR_NO_MEMORY));
	if (head->has_base)
		base = blob_buffer_span(f->base_content);
	rc = decode_content(d, head, codec, base, &f->content, wrong, why);
	codec_pool_put(engine_codecs(e), codec);
	return rc;
}

/* The right bytes, but nothing that we can use: no other mirror has better ones. */
static void download_useless(struct in_flight *f, int rc, const char *why)
{
	char url[URL_SIZE_MAX + FETCH_PATH_MAX];

	name_url(f, url, sizeof url);
	log_warning(engine_log(f->table->engine), "%s: %s", url, why);
	f->error = trouble_set(&f->trouble, rc, "%s: %s", url, why);
	delivery_fail(f);
}

static void download_decode(struct in_flight *f)
{
	const struct decode d = {
		f->kind, f->digest, f->size, span_of_bytes(&f->fetch.body)};
	struct trouble why = {0};
	struct blob_head head;
	bool wrong = true;
	int rc = decode_head(&d, &head, &why);

	if (!rc && head.has_base && !f->base_content) {
		download_need_base(f, &head.base);
		return;
	}
	if (!rc)
		rc = decode_with_codec(f, &d, &head, &wrong, &why);
	if (rc && wrong) {
		download_wrong(f, why.text);
	} else if (rc) {
		download_useless(f, rc, why.text);
	} else {
		bytes_release(&f->fetch.body);
		download_deliver(f);
	}
}

static void download_fetched(struct job *job)
{
	struct in_flight *f = in_flight_of_job(job);

	if (f->fetch.error)
		download_refused(f);
	else
		download_decode(f);
}

/* A base that is not there, or no base, speaks against the bytes that name it. */
void download_resume(struct job *job)
{
	struct in_flight *f = in_flight_of_job(job);
	char why[TROUBLE_MAX];

	if (!f->error) {
		download_decode(f);
	} else if (f->error == ERR_ABSENT || f->error == ERR_CORRUPT) {
		snprintf(why, sizeof why, "its base: %.*s", TROUBLE_MAX - 16,
			f->trouble.text);
		f->error = 0;
		download_wrong(f, why);
	} else {
		download_fail(f);
	}
}

/* LOCAL. */

/* Is it at all its places by now? Counts them in *seen. */
static bool is_here(struct in_flight *f, unsigned *seen)
{
	struct want want;

	while (in_flight_place(f, *seen, &want)) {
		if (!cache_has(engine_cache(f->table->engine), &want))
			return false;
		(*seen)++;
	}
	return true;
}

/* From another place in the cache. */
static int copy_local(struct in_flight *f)
{
	struct cache *cache = engine_cache(f->table->engine);
	struct blob_buffer *a;
	int rc;

	if (in_flight_is_base(f))
		return delta_base_recall(cache, &f->digest, &f->content);
	if (f->size > CHUNK_SIZE_MAX)
		return ERR_LIMIT;
	a = blob_buffer_new(f->kind, &f->digest, f->size);
	if (!a)
		return ERR_NO_MEMORY;
	rc = cache_copy_chunk(cache, &f->digest, blob_buffer_data(a), f->size);
	if (rc)
		blob_buffer_put(a);
	else
		f->content = a;
	return rc;
}

static bool is_copied(struct in_flight *f)
{
	if (f->kind != BLOB_CHUNK)
		return false;
	if (copy_local(f) == 0)
		return true;
	keep_cancel_copy(f);
	return false;
}

void download_look(struct job *job)
{
	struct in_flight *f = in_flight_of_job(job);
	unsigned seen = 0;

	/* A base has no place where it could be. */
	while (!in_flight_is_base(f) && is_here(f, &seen)) {
		keep_cancel_copy(f);
		if (delivery_try_finish(f, seen))
			return;
	}
	if (f->kind == BLOB_CHUNK && !keep_may_copy(f))
		return; /* it comes here again */
	if (is_copied(f))
		download_deliver(f);
	else
		download_start(f);
}
