/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "format/tag.h"
#include "dataset/dataset.h"
#include "dataset/manifest_fetch.h"
#include "dataset/known_keys.h"
#include "dataset/url.h"
#include "util/clock.h"

#define MANIFEST_DEADLINE (60 * NS_PER_SECOND)

/* A dataset on its way to being opened. */
struct opening {
	struct engine *engine;
	const struct dataset_options *options;
	struct dataset *dataset;
	struct manifest_fetch fetch;
	struct dataset_record state; /* what is remembered of the URL */
	bool has_state;
	struct digest state_id;
	char *known_keys;
	bool pin; /* the key is to be pinned */
};

static bool wants_newest(const struct opening *o)
{
	return !o->options->revision && !o->options->tag;
}

/* What the cache remembers is of use only if it is a manifest; its ETag only for the URL
 * that gave it, when the dataset is known under several. */
static void load_state(struct opening *o)
{
	struct cache *cache = engine_cache(o->engine);
	struct manifest *m;
	struct digest id;

	if (cache_dataset_by_url(cache, o->dataset->url, &id) ||
		cache_dataset_load(cache, &id, &o->state))
		return;
	if (manifest_decode(span_of_bytes(&o->state.manifest), &m, NULL)) {
		dataset_record_release(&o->state);
		return;
	}
	manifest_free(m);
	if (strcmp(o->state.url, o->dataset->url))
		o->state.etag[0] = '\0';
	o->has_state = true;
	o->state_id = id;
}

static int fetch_manifest(struct opening *o, struct trouble *t)
{
	int64_t wait = o->options->deadline_ns ? o->options->deadline_ns
					       : MANIFEST_DEADLINE;
	struct dataset *d = o->dataset;
	int rc;

	load_state(o);
	o->fetch.source = d->source;
	o->fetch.log = engine_log(o->engine);
	o->fetch.url = d->url;
	o->fetch.options = o->options;
	o->fetch.remembered = o->has_state ? &o->state : NULL;
	o->fetch.deadline = clock_monotonic() + wait;
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

/* Without --trust and without a pinned key. Whoever sits between could give any key over
 * plain http. */
static int choose_first_key(struct opening *o, struct trouble *t)
{
	struct dataset *d = o->dataset;
	char key[PUBLIC_KEY_TEXT_SIZE];

	d->key = d->manifest->signatures[0].key;
	public_key_to_text(&d->key, key);
	if (strncmp(d->url, "http://", 7) == 0)
		return trouble_set(t, ERR_UNTRUSTED,
			"%s is signed by the key %s, which is not known, and plain http "
			"does not "
			"tell whose it is: ask the publisher, and give --trust %s if it is "
			"theirs",
			d->url, key, key);
	o->pin = true;
	return 0;
}

static int choose_key(struct opening *o, struct trouble *t)
{
	const char *trust = o->options->trust;
	struct dataset *d = o->dataset;
	struct public_key known;
	int rc;

	if (trust && public_key_from_text(span_of_string(trust), &d->key))
		return trouble_set(t, ERR_INVALID,
			"\"%s\" is not a public key: \"ed25519:\" and 43 characters, as "
			"`cairn key` "
			"shows it",
			trust);
	if (trust) {
		/* Remembered, so that it need not be given again; a key that the file has
		 * stays in it. */
		o->pin = known_keys_lookup(o->known_keys, d->url, &known, NULL) ==
			 ERR_ABSENT;
		return 0;
	}
	rc = known_keys_lookup(o->known_keys, d->url, &d->key, t);
	return rc == ERR_ABSENT ? choose_first_key(o, t) : rc;
}

static bool is_signer(const struct manifest *m, const struct public_key *key)
{
	for (size_t i = 0; i < m->signature_count; i++)
		if (public_key_equal(&m->signatures[i].key, key))
			return true;
	return false;
}

/* Another key than expected signed it. */
static int refuse_signer(const struct opening *o, struct trouble *t)
{
	const struct dataset *d = o->dataset;
	char expected[PUBLIC_KEY_TEXT_SIZE], found[PUBLIC_KEY_TEXT_SIZE];

	public_key_to_text(&d->key, expected);
	public_key_to_text(&d->manifest->signatures[0].key, found);
	if (o->options->trust)
		return trouble_set(t, ERR_UNTRUSTED,
			"%s is signed by the key %s, not by %s, which --trust gives",
			d->url, found, expected);
	return trouble_set(t, ERR_UNTRUSTED,
		"%s is signed by the key %s, but %s pins %s to it: someone may be forging "
		"it; if the "
		"publisher says that the key has changed, remove the URL's line from that "
		"file",
		d->url, found, o->known_keys, expected);
}

static int verify(struct opening *o, struct trouble *t)
{
	struct dataset *d = o->dataset;
	char key[PUBLIC_KEY_TEXT_SIZE];

	if (!is_signer(d->manifest, &d->key))
		return refuse_signer(o, t);
	public_key_to_text(&d->key, key);
	if (manifest_verify(span_of_bytes(&d->manifest_text), &d->key))
		return trouble_set(t, ERR_UNTRUSTED,
			"the signature of %s by the key %s is broken: the manifest was "
			"changed after "
			"it was signed; tell the publisher",
			d->url, key);
	if (o->options->tag && tag_verify(span_of_bytes(&o->fetch.tag_text), &d->key))
		return trouble_set(t, ERR_UNTRUSTED,
			"the tag \"%s\" of %s is not signed by the key %s", o->options->tag,
			d->url, key);
	return 0;
}

/* A tag of another dataset by the same key must not pass for one of this. */
static int check_tag_name(const struct opening *o, struct trouble *t)
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

static int check_rollback(const struct opening *o, struct trouble *t)
{
	const struct dataset *d = o->dataset;
	struct dataset_record seen;
	int rc = cache_dataset_load(engine_cache(o->engine), &d->id, &seen);

	if (rc == ERR_ABSENT)
		return 0;
	if (rc)
		return trouble_set(t, rc, "the cache cannot be read: %s", error_text(rc));
	if (d->manifest->revision < seen.highest)
		rc = trouble_set(t, ERR_ROLLBACK,
			"%s offers revision %llu as the newest, but revision %llu was seen "
			"before: the server may be out of date; to use this one, give "
			"--revision %llu",
			d->url, (unsigned long long)d->manifest->revision,
			(unsigned long long)seen.highest,
			(unsigned long long)d->manifest->revision);
	dataset_record_release(&seen);
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

static int check_fresh(const struct opening *o, struct trouble *t)
{
	int rc;

	if (!wants_newest(o))
		return 0;
	rc = check_rollback(o, t);
	return rc ? rc : check_expiry(o, t);
}

static int pin_key(struct opening *o, struct trouble *t)
{
	struct dataset *d = o->dataset;
	int rc;

	if (!o->pin)
		return 0;
	rc = known_keys_add(o->known_keys, d->url, &d->key, t);
	if (rc && o->options->trust) {
		log_warning(engine_log(o->engine), "--trust counts for this time only: %s",
			t ? t->text : error_text(rc));
		return 0;
	}
	if (!rc)
		d->newly_pinned = !o->options->trust;
	return rc;
}

static void add_mirrors(const struct opening *o)
{
	const struct manifest *m = o->dataset->manifest;

	for (size_t i = 0; i < m->mirror_count; i++) {
		int rc = mirrors_add(source_mirrors(o->dataset->source), m->mirrors[i]);

		if (rc)
			log_warning(engine_log(o->engine), "%s: its mirror %s is not used: %s",
				o->dataset->url, m->mirrors[i], error_text(rc));
	}
}

/* Remembering is for the next time: this time does not fail for it. */
static void save_state(struct opening *o)
{
	const struct dataset *d = o->dataset;
	struct dataset_record state = {
		.name = d->manifest->name,
		.url = d->url,
		.manifest = d->manifest_text,
		.revision = d->manifest->revision,
		.highest = d->manifest->revision,
		.accepted = clock_realtime() / NS_PER_SECOND,
		.root = d->manifest->root,
	};
	int rc;

	if (!wants_newest(o) || d->from_cache)
		return;
	memcpy(state.etag, o->fetch.etag, sizeof(state.etag));
	rc = cache_dataset_save(engine_cache(o->engine), &d->id, &state);
	if (rc)
		log_warning(engine_log(o->engine),
			"the cache cannot note that revision %llu of %s was seen: %s",
			(unsigned long long)state.revision, d->url, error_text(rc));
}

/* The same key may sign many datasets, so a server could swap them. */
static void notice_rename(const struct opening *o)
{
	const struct dataset *d = o->dataset;

	if (o->has_state && !digest_equal(&o->state_id, &d->id))
		log_warning(engine_log(o->engine),
			"%s holds another dataset now, %s; it held %s before", d->url,
			d->manifest->name, o->state.name);
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

static int open_dataset(struct opening *o, struct trouble *t)
{
	struct dataset *d = o->dataset;
	int rc = url_normalise(o->options->url, &d->url, t);

	if (!rc)
		rc = source_new(o->engine, d->url, &d->source, t);
	if (!rc && o->options->offline)
		source_go_offline(d->source);
	if (!rc)
		rc = fetch_manifest(o, t);
	if (!rc)
		rc = decode_manifest(o, t);
	if (!rc)
		rc = choose_key(o, t);
	if (!rc)
		rc = verify(o, t);
	if (!rc)
		rc = check_tag_name(o, t);
	if (!rc)
		rc = make_id(d);
	if (!rc)
		rc = check_fresh(o, t);
	if (rc)
		return rc;
	add_mirrors(o);
	if (o->options->fetch_first)
		fetch_first(d);
	rc = pin_key(o, t);
	if (rc)
		return rc;
	notice_rename(o);
	save_state(o);
	return 0;
}

int dataset_open(struct engine *e, const struct dataset_options *options,
	struct dataset **out, struct trouble *t)
{
	struct opening o = {.engine = e, .options = options};
	int rc = ERR_NO_MEMORY;

	trouble_set(t, rc, "%s", error_text(rc));
	o.dataset = calloc(1, sizeof(*o.dataset));
	o.known_keys = known_keys_file(options->known_keys);
	if (o.dataset && o.known_keys)
		rc = open_dataset(&o, t);
	if (rc) {
		dataset_close(o.dataset);
	} else {
		*out = o.dataset;
		if (t)
			*t = (struct trouble){0};
	}
	if (o.has_state)
		dataset_record_release(&o.state);
	manifest_fetch_release(&o.fetch);
	free(o.known_keys);
	return rc;
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
