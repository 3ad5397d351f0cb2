/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "dataset/opening.h"

#include <string.h>

#include "format/tag.h"
#include "util/clock.h"

#define MANIFEST_DEADLINE (60 * NS_PER_SECOND)

bool opening_wants_newest(const struct opening *o)
{
	return !o->options->revision && !o->options->tag;
}

/* What can stand in for what is asked for; NULL: nothing. */
static const struct dataset_record *opening_last(const struct opening *o)
{
	const struct last_accepted *l = o->options->tag ? &o->last_tag : &o->last;

	return l->exists ? &l->record : NULL;
}

static int fetch_manifest(struct opening *o, struct trouble *t)
{
	int64_t wait = o->options->deadline_ns ? o->options->deadline_ns
					       : MANIFEST_DEADLINE;
	struct dataset *d = o->dataset;
	int rc;

	o->fetch = (struct manifest_fetch){
		.source = d->source,
		.url = d->url,
		.revision = o->options->revision,
		.tag = o->options->tag,
		.offline = o->options->offline,
		.last = opening_last(o),
		.avoid = o->outdated,
		.deadline = clock_monotonic() + wait,
	};
	rc = manifest_fetch(&o->fetch, t);
	if (rc)
		return rc;
	d->from_cache = o->fetch.from_cache;
	d->has_stand_in = o->fetch.has_stand_in;
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

/* Of the dataset that the URL held when it was last accepted. */
static void name_before(const struct opening *o, const struct digest *before,
	const char **lead, const char **name)
{
	bool has_name = o->last.exists && digest_equal(&o->last.id, before);

	*lead = has_name ? "; it held " : ", than";
	*name = has_name ? o->last.record.name : "";
}

static int refuse_dataset(
	const struct opening *o, const struct digest *before, struct trouble *t)
{
	const struct dataset *d = o->dataset;
	const char *lead, *name;

	if (d->from_cache)
		return trouble_set(t, ERR_UNTRUSTED,
			"%s cannot be asked, and what the cache has of it is another "
			"dataset, %s, than was accepted there: let the server be asked",
			d->url, d->manifest->name);
	name_before(o, before, &lead, &name);
	return trouble_set(t, ERR_UNTRUSTED,
		"%s holds another dataset now, %s%s%s before: it has the right key, but "
		"someone may have put it there; if the publisher says that it is right, "
		"`cairn key accept %s`",
		d->url, d->manifest->name, lead, name, d->url);
}

/* One key may sign many datasets, so a server could give one for the other. */
static int check_known(const struct opening *o, struct trouble *t)
{
	struct known_datasets known;
	struct digest before;
	int rc;

	if (o->signer.overrules) /* another key's dataset is another one */
		return 0;
	rc = known_datasets_load(o->signer.known_keys, &known, t);
	if (rc)
		return rc;
	rc = known_datasets_by_url(&known, o->dataset->url, &before, t);
	known_datasets_release(&known);
	if (rc)
		return rc == ERR_ABSENT ? 0 : rc;
	return digest_equal(&before, &o->dataset->id) ? 0 : refuse_dataset(o, &before, t);
}

/* A tag may be put on an older revision, but not put back. */
static int check_tag_time(const struct opening *o, struct trouble *t)
{
	char seen[CLOCK_TEXT_SIZE], offered[CLOCK_TEXT_SIZE];
	struct known_datasets known;
	int64_t created = 0;
	int rc = known_datasets_load(o->signer.known_keys, &known, t);

	if (rc)
		return rc;
	rc = known_datasets_tag(&known, &o->dataset->id, o->options->tag, &created, t);
	known_datasets_release(&known);
	if (rc)
		return rc == ERR_ABSENT ? 0 : rc;
	if (o->tag_created >= created)
		return 0;
	clock_format(created, seen);
	clock_format(o->tag_created, offered);
	return trouble_set(t, ERR_ROLLBACK,
		"%s offers the tag \"%s\" of %s, but one of %s was seen before: the server "
		"may be out of date; to use what it is on, give --revision %llu",
		o->dataset->url, o->options->tag, offered, seen,
		(unsigned long long)o->dataset->manifest->revision);
}

static int check_fresh(struct opening *o, struct trouble *t)
{
	const struct dataset *d = o->dataset;
	int rc;

	if (o->options->revision)
		return 0;
	if (o->options->tag) {
		rc = check_tag_time(o, t);
	} else {
		rc = last_accepted_highest(engine_cache(o->engine), o->signer.known_keys,
			&d->id, &o->highest, t);
		if (!rc)
			rc = last_accepted_check(o->highest, d->url, d->manifest, t);
	}
	return rc ? rc : check_expiry(o, t);
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
	if (!rc)
		rc = check_known(o, t);
	return rc ? rc : check_fresh(o, t);
}

void opening_add_mirrors(const struct opening *o)
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
	struct accepted a = {.url = o->signer.overrules ? NULL : d->url,
		.id = d->id,
		.tag = o->options->tag,
		.tag_created = o->tag_created};
	struct trouble why = {0};

	/* What an older program noted in the cache is taken over. */
	if (opening_wants_newest(o))
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
	struct cache *c = engine_cache(o->engine);
	int rc;

	if (o->options->revision || d->from_cache || d->is_outdated)
		return;
	if (o->options->tag)
		rc = last_accepted_save_tag(c, &d->id, d->url, o->options->tag,
			&o->fetch.tag_text, d->manifest, &d->manifest_text);
	else
		rc = last_accepted_save(
			c, &d->id, d->url, d->manifest, &d->manifest_text, o->fetch.etag);
	if (rc)
		log_warning(engine_log(o->engine),
			"the cache cannot note that revision %llu of %s was seen: %s",
			(unsigned long long)d->manifest->revision, d->url, error_text(rc));
}

static int bring_once(struct opening *o, struct trouble *t)
{
	int rc = fetch_manifest(o, t);

	if (!rc)
		rc = decode_manifest(o, t);
	return rc ? rc : check_manifest(o, t);
}

static void drop_manifest(struct opening *o)
{
	manifest_free(o->dataset->manifest);
	o->dataset->manifest = NULL;
	bytes_release(&o->dataset->manifest_text);
	manifest_fetch_release(&o->fetch);
}

/* What answered is out of date: is there somebody else to be asked? It is signed, so its
 * mirrors are the dataset's. */
static bool can_ask_another(struct opening *o)
{
	struct mirrors *m = source_mirrors(o->dataset->source);
	int mirror = o->fetch.mirror;

	opening_add_mirrors(o);
	if (mirror < 0 || o->outdated >> mirror & 1)
		return false;
	o->outdated |= UINT64_C(1) << mirror;
	for (unsigned i = 0; i < mirrors_count(m); i++)
		if (!(o->outdated >> i & 1))
			return true;
	return false;
}

/* The last accepted one, which is the highest that was seen, or the tag's newest: if the
 * cache has it. */
static int go_on(struct opening *o, const struct trouble *why, struct trouble *t)
{
	struct dataset *d = o->dataset;
	const struct dataset_record *last = opening_last(o);
	int rc;

	if (o->options->revision || !last || last->revision < o->highest)
		return trouble_set(t, why->code, "%s", why->text);
	drop_manifest(o);
	rc = bytes_append(&d->manifest_text, last->manifest.data, last->manifest.size);
	if (!rc)
		rc = bytes_append(&o->fetch.tag_text, last->tag.data, last->tag.size);
	if (rc)
		return trouble_set(t, rc, "%s", error_text(rc));
	rc = decode_manifest(o, t);
	if (!rc)
		rc = check_manifest(o, t);
	if (rc)
		return rc;
	d->is_outdated = true;
	o->why = *why;
	return 0;
}

int opening_bring(struct opening *o, struct trouble *t)
{
	struct trouble why = {0}, other = {0};
	int rc;

	last_accepted_load(engine_cache(o->engine), o->dataset->url, NULL, &o->last);
	if (o->options->tag)
		last_accepted_load(engine_cache(o->engine), o->dataset->url,
			o->options->tag, &o->last_tag);
	rc = bring_once(o, &why);
	while (rc == ERR_ROLLBACK && can_ask_another(o)) {
		drop_manifest(o);
		rc = bring_once(o, &other);
		if (rc && rc != ERR_ROLLBACK) { /* no better */
			rc = ERR_ROLLBACK;
			break;
		}
	}
	if (rc == ERR_ROLLBACK)
		return go_on(o, &why, t);
	if (!rc && o->dataset->from_cache)
		o->why = why.text[0] ? why : o->fetch.why;
	if (rc)
		trouble_set(t, rc, "%s", why.text);
	return rc;
}

void opening_accept(const struct opening *o)
{
	note_accepted(o);
	remember(o);
}

void opening_release(struct opening *o)
{
	last_accepted_release(&o->last);
	last_accepted_release(&o->last_tag);
	manifest_fetch_release(&o->fetch);
}
