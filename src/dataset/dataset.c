/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "dataset/dataset.h"
#include "dataset/known_datasets.h"
#include "dataset/known_keys.h"
#include "dataset/last_accepted.h"
#include "dataset/manifest_fetch.h"
#include "dataset/refresh.h"
#include "dataset/signer.h"
#include "dataset/url.h"
#include "format/tag.h"
#include "util/clock.h"

#define MANIFEST_DEADLINE (60 * NS_PER_SECOND)

/* A dataset on its way to being opened. */
struct opening {
	struct engine *engine;
	const struct dataset_options *options;
	struct dataset *dataset;
	struct manifest_fetch fetch;
	struct last_accepted last; /* of the URL */
	uint64_t highest;	   /* revision of the dataset that was seen; 0: none */
	int64_t tag_created;	   /* of the tag that was asked for, seconds since 1970 */
	struct signer signer;
};

static bool wants_newest(const struct opening *o)
{
	return !o->options->revision && !o->options->tag;
}

static int fetch_manifest(struct opening *o, struct trouble *t)
{
	int64_t wait = o->options->deadline_ns ? o->options->deadline_ns
					       : MANIFEST_DEADLINE;
	struct dataset *d = o->dataset;
	int rc;

	last_accepted_load(engine_cache(o->engine), d->url, &o->last);
	o->fetch = (struct manifest_fetch){
		.source = d->source,
		.log = engine_log(o->engine),
		.url = d->url,
		.revision = o->options->revision,
		.tag = o->options->tag,
		.offline = o->options->offline,
		.last = o->last.exists ? &o->last.record : NULL,
		.deadline = clock_monotonic() + wait,
	};
	rc = manifest_fetch(&o->fetch, t);
	if (rc)
		return rc;
	d->from_cache = o->fetch.from_cache;
	d->manifest_text = o->fetch.text;
	o->fetch.text = (struct bytes){0};
	return 0;
}

static int decode_manifest(struct opening *o, struct trouble *t)
{
	struct dataset *d = o->dataset;
	struct trouble why = {0};
	int rc = manifest_decode(span_of_bytes(&d->manifest_text), &d->manifest, &why);

	if (rc)
		return trouble_set(t, rc, "the manifest of %s: %s", d->url,
			why.text[0] ? why.text : error_text(rc));
	if (d->manifest->signature_count == 0)
		return trouble_set(t, ERR_UNTRUSTED,
			"the manifest of %s is not signed; publish it anew", d->url);
	if (o->options->revision && o->options->revision != d->manifest->revision)
		return trouble_set(t, ERR_CORRUPT,
			"%s gave revision %llu when %llu was asked for", d->url,
			(unsigned long long)d->manifest->revision,
			(unsigned long long)o->options->revision);
	return 0;
}

/* Has the right key signed it, and the tag that led to it? */
static int check_signer(struct opening *o, struct trouble *t)
{
	struct dataset *d = o->dataset;
	struct signer *s = &o->signer;
	int rc = signer_choose(s, d->manifest, t);

	if (!rc)
		rc = signer_verify(s, d->manifest, span_of_bytes(&d->manifest_text), t);
	if (!rc && o->options->tag)
		rc = signer_verify_tag(
			s, o->options->tag, span_of_bytes(&o->fetch.tag_text), t);
	if (!rc)
		d->key = s->key;
	return rc;
}

/* A tag of another dataset by the same key must not pass for one of this. */
static int check_tag_name(struct opening *o, struct trouble *t)
{
	const struct dataset *d = o->dataset;
	struct tag *tag;
	int rc;

	if (!o->options->tag)
		return 0;
	rc = tag_decode(span_of_bytes(&o->fetch.tag_text), &tag, t);
	if (rc)
		return rc;
	if (tag->revision != d->manifest->revision || strcmp(tag->name, d->manifest->name))
		rc = trouble_set(t, ERR_CORRUPT,
			"%s: the tag \"%s\" is on revision %llu of %s, its manifest is "
			"revision %llu "
			"of %s",
			d->url, tag->tag, (unsigned long long)tag->revision, tag->name,
			(unsigned long long)d->manifest->revision, d->manifest->name);
	o->tag_created = tag->created;
	tag_free(tag);
	return rc;
}

/* SHA-256 of the key's 32 bytes, the dataset's number and its name: two stores that one
 * person made of directories of one name are two datasets, mirrors of one are one. */
static int make_id(struct dataset *d)
{
	struct bytes text = {0};
	int rc = bytes_append(&text, d->key.bytes, PUBLIC_KEY_SIZE);

	if (!rc)
		rc = bytes_append_string(&text, d->manifest->dataset);
	if (!rc)
		rc = bytes_append_string(&text, d->manifest->name);
	if (!rc)
		d->id = digest_of(text.data, text.size);
	bytes_release(&text);
	return rc;
}

static int check_expiry(const struct opening *o, struct trouble *t)
{
	const struct dataset *d = o->dataset;
	char expired[CLOCK_TEXT_SIZE];

	if (!d->manifest->expires ||
		clock_realtime() / NS_PER_SECOND <= d->manifest->expires)
		return 0;
	clock_format(d->manifest->expires, expired);
	return trouble_set(t, ERR_EXPIRED,
		"revision %llu of %s expired at %s, and %s: to use it all the same, give "
		"--revision %llu",
		(unsigned long long)d->manifest->revision, d->url, expired,
		d->from_cache ? "the server cannot be asked for a newer one"
			      : "the server has no newer one",
		(unsigned long long)d->manifest->revision);
}

static int check_fresh(struct opening *o, struct trouble *t)
{
	const struct dataset *d = o->dataset;
	int rc;

	if (!wants_newest(o))
		return 0;
	rc = last_accepted_highest(
		engine_cache(o->engine), o->signer.known_keys, &d->id, &o->highest, t);
	if (!rc)
		rc = last_accepted_check(o->highest, d->url, d->manifest, t);
	return rc ? rc : check_expiry(o, t);
}

static void add_mirrors(const struct opening *o)
{
	const struct manifest *m = o->dataset->manifest;

	for (size_t i = 0; i < m->mirror_count; i++) {
		int rc = mirrors_add(source_mirrors(o->dataset->source), m->mirrors[i]);

		if (rc)
			log_warning(engine_log(o->engine),
				"%s: its mirror %s is not used: %s", o->dataset->url,
				m->mirrors[i], error_text(rc));
	}
}

/* What no server can take back. */
static void note_accepted(const struct opening *o)
{
	const struct dataset *d = o->dataset;
	struct accepted a = {.url = d->url,
		.id = d->id,
		.tag = o->options->tag,
		.tag_created = o->tag_created};
	struct trouble why = {0};

	/* What an older program noted in the cache is taken over. */
	if (wants_newest(o))
		a.revision = d->manifest->revision > o->highest ? d->manifest->revision
								: o->highest;
	if (known_datasets_note(o->signer.known_keys, &a, &why))
		log_warning(engine_log(o->engine),
			"what was seen of %s is noted in the cache only, and forgotten "
			"with "
			"it: %s",
			d->url, why.text);
}

/* Remembering is for the next time: this time does not fail for it. */
static void remember(const struct opening *o)
{
	const struct dataset *d = o->dataset;
	int rc;

	if (!wants_newest(o) || d->from_cache)
		return;
	rc = last_accepted_save(engine_cache(o->engine), &d->id, d->url, d->manifest,
		&d->manifest_text, o->fetch.etag);
	if (rc)
		log_warning(engine_log(o->engine),
			"the cache cannot note that revision %llu of %s was seen: %s",
			(unsigned long long)d->manifest->revision, d->url, error_text(rc));
}

/* As far as is known without the cache. */
static bool held_another(const struct opening *o)
{
	struct known_datasets known;
	struct digest before;
	bool another;

	if (known_datasets_load(o->signer.known_keys, &known, NULL))
		return false;
	another = !known_datasets_by_url(&known, o->dataset->url, &before, NULL) &&
		  !digest_equal(&before, &o->dataset->id);
	known_datasets_release(&known);
	return another;
}

/* The same key may sign many datasets, so a server could swap them. */
static void notice_rename(const struct opening *o)
{
	const struct dataset *d = o->dataset;

	if (o->last.exists && !digest_equal(&o->last.id, &d->id))
		log_warning(engine_log(o->engine),
			"%s holds another dataset now, %s; it held %s before", d->url,
			d->manifest->name, o->last.record.name);
	else if (!o->last.exists && held_another(o))
		log_warning(engine_log(o->engine),
			"%s holds another dataset now, %s, than before", d->url,
			d->manifest->name);
}

/* Their round trip goes on while the rest is done: syncing what is remembered, mounting. */
static void fetch_first(const struct dataset *d)
{
	const struct first_pages *first = &d->manifest->first;
	struct want wants[PAGES_FIRST_MAX + 1];

	for (unsigned i = 0; i <= first->count; i++)
		wants[i] = (struct want){
			.kind = BLOB_PAGE,
			.digest = i == 0 ? d->manifest->root : first->pages[i - 1],
			.size = PAGE_SIZE_MAX,
		};
	source_hint(d->source, wants, first->count + 1, FETCH_DEMAND);
}

/* From the URL to a manifest that is one. */
static int bring_manifest(struct opening *o, struct trouble *t)
{
	struct dataset *d = o->dataset;
	int rc = url_normalise(o->options->url, &d->url, t);

	if (rc)
		return rc;
	rc = source_new(o->engine, d->url, &d->source, t);
	if (rc)
		return rc;
	if (o->options->offline)
		source_go_offline(d->source);
	rc = fetch_manifest(o, t);
	return rc ? rc : decode_manifest(o, t);
}

/* Is it to be believed, and is it what was asked for? */
static int check_manifest(struct opening *o, struct trouble *t)
{
	int rc;

	o->signer.url = o->dataset->url;
	o->signer.trust = o->options->trust;
	rc = check_signer(o, t);
	if (!rc)
		rc = check_tag_name(o, t);
	if (!rc)
		rc = make_id(o->dataset);
	return rc ? rc : check_fresh(o, t);
}

static int open_dataset(struct opening *o, struct trouble *t)
{
	struct dataset *d = o->dataset;
	int rc = bring_manifest(o, t);

	if (!rc)
		rc = check_manifest(o, t);
	if (rc)
		return rc;
	add_mirrors(o);
	if (o->options->fetch_first)
		fetch_first(d);
	rc = signer_pin(&o->signer, engine_log(o->engine), t);
	if (rc)
		return rc;
	d->newly_pinned = o->signer.newly_pinned;
	notice_rename(o);
	note_accepted(o);
	remember(o);
	return 0;
}

int dataset_open(struct engine *e, const struct dataset_options *options,
	struct dataset **out, struct trouble *t)
{
	struct opening o = {.engine = e, .options = options};
	char *known_keys = known_keys_file(options->known_keys);
	int rc = ERR_NO_MEMORY;

	trouble_set(t, rc, "%s", error_text(rc));
	o.dataset = calloc(1, sizeof *o.dataset);
	o.signer.known_keys = known_keys;
	if (o.dataset && known_keys)
		rc = open_dataset(&o, t);
	if (rc) {
		dataset_close(o.dataset);
	} else {
		*out = o.dataset;
		if (t)
			*t = (struct trouble){0};
	}
	last_accepted_release(&o.last);
	manifest_fetch_release(&o.fetch);
	free(known_keys);
	return rc;
}

/* The same key and name, and not what was there before. */
static int check_same(const struct opening *o, const struct dataset *d, uint64_t revision,
	struct trouble *t)
{
	const struct dataset *now = o->dataset;

	if (now->from_cache)
		return trouble_set(t, ERR_UNREACHABLE, "%s cannot be reached", d->url);
	if (!digest_equal(&now->id, &d->id))
		return trouble_set(t, ERR_UNTRUSTED, "%s holds another dataset now, %s",
			d->url, now->manifest->name);
	if (wants_newest(o) && now->manifest->revision < revision)
		return trouble_set(t, ERR_ROLLBACK,
			"%s offers revision %llu, older than %llu, which is shown", d->url,
			(unsigned long long)now->manifest->revision,
			(unsigned long long)revision);
	return 0;
}

static int refresh(
	struct opening *o, const struct dataset *d, uint64_t revision, struct trouble *t)
{
	int rc = fetch_manifest(o, t);

	if (!rc)
		rc = decode_manifest(o, t);
	if (!rc)
		rc = check_manifest(o, t);
	if (!rc)
		rc = check_same(o, d, revision, t);
	if (rc || o->dataset->manifest->revision == revision)
		return rc;
	add_mirrors(o);
	note_accepted(o);
	remember(o);
	return 0;
}

int dataset_refresh(struct dataset *d, const struct dataset_options *options,
	uint64_t revision, struct manifest **out, struct trouble *t)
{
	struct dataset now = {.source = d->source, .url = d->url};
	struct opening o = {
		.engine = source_engine(d->source), .options = options, .dataset = &now};
	char *known_keys = known_keys_file(options->known_keys);
	int rc = ERR_NO_MEMORY;

	*out = NULL;
	trouble_set(t, rc, "%s", error_text(rc));
	o.signer.known_keys = known_keys;
	if (known_keys)
		rc = refresh(&o, d, revision, t);
	if (!rc && now.manifest->revision != revision) {
		*out = now.manifest;
		now.manifest = NULL;
	}
	manifest_free(now.manifest);
	bytes_release(&now.manifest_text);
	last_accepted_release(&o.last);
	manifest_fetch_release(&o.fetch);
	free(known_keys);
	return rc;
}

void dataset_end_waits(struct dataset *d)
{
	source_end_runs(d->source);
	fetcher_end_gets(engine_fetcher(source_engine(d->source)));
}

void dataset_close(struct dataset *d)
{
	if (!d)
		return;
	source_free(d->source);
	manifest_free(d->manifest);
	bytes_release(&d->manifest_text);
	free(d->url);
	free(d);
}
