/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/revisions.h"

#include <stdlib.h>
#include <string.h>

#include "cache/attempt_pages.h"
#include "cli/size.h"
#include "dataset/refresh.h"
#include "publish/store_directory.h"
#include "publish/store_location.h"
#include "publish/store_pages.h"
#include "publish/tagging.h"

#define DIFF_MEMORY (64u << 20) /* bytes of pages of a store on this machine */

void known_revision_release(struct known_revision *k)
{
	manifest_free(k->manifest);
	*k = (struct known_revision){0};
}

static bool revisions_is_number(const char *which, uint64_t *out)
{
	return which && !number_parse(which, REVISION_MAX, out) && *out > 0;
}

/* A store on this machine */

/* The key that was asked for, else one that the manifest names and that signed it. */
static int find_signer(const struct revisions *r, const struct manifest *m,
	struct span text, struct public_key *out, struct trouble *t)
{
	const char *trust = r->options->dataset.trust;
	struct public_key key;

	if (trust && public_key_from_text(span_of_string(trust), &key))
		return trouble_set(t, ERR_INVALID, "'%s' is not a public key", trust);
	for (size_t i = 0; i < m->signature_count; i++) {
		if (trust && !public_key_equal(&key, &m->signatures[i].key))
			continue;
		if (manifest_verify(text, &m->signatures[i].key))
			continue;
		*out = m->signatures[i].key;
		return 0;
	}
	return trouble_set(t, ERR_UNTRUSTED,
		"revision %llu in the store %s is not signed%s",
		(unsigned long long)m->revision, store_name(r->store),
		trust ? " by that key" : ", or its signature is wrong");
}

static int store_get(
	struct revisions *r, uint64_t number, struct known_revision *out, struct trouble *t)
{
	struct known_revision k = {0};
	struct bytes text = {0};
	int rc = number ? store_read_revision(r->store, number, &text, &k.manifest, t)
			: store_read_manifest(r->store, &text, &k.manifest, NULL, t);

	if (rc == ERR_ABSENT && number)
		trouble_set(t, rc, "the store %s has no revision %llu",
			store_name(r->store), (unsigned long long)number);
	else if (rc == ERR_ABSENT)
		trouble_set(
			t, rc, "the store %s has no revision yet", store_name(r->store));
	if (!rc)
		rc = find_signer(r, k.manifest, span_of_bytes(&text), &k.key, t);
	bytes_release(&text);
	if (rc)
		known_revision_release(&k);
	else
		*out = k;
	return rc;
}

/* What a tag says, and who says so: the key of the revision that it is on. */
static int tag_look(struct revisions *r, const char *name, struct placed_tag *out,
	struct known_revision *revision, struct trouble *t)
{
	struct bytes text = {0};
	struct tag *tag = NULL;
	int rc = tagging_read(r->store, name, &text, &tag, NULL, t);

	if (!rc)
		rc = store_get(r, tag->revision, revision, t);
	if (!rc && (tag_verify(span_of_bytes(&text), &revision->key) ||
			   !digest_equal(&tag->manifest, &revision->manifest->digest) ||
			   strcmp(tag->name, revision->manifest->name) != 0)) {
		rc = trouble_set(t, ERR_UNTRUSTED,
			"the tag \"%s\" of the store %s was not put on its revision %llu "
			"by "
			"the key of that",
			name, store_name(r->store), (unsigned long long)tag->revision);
		known_revision_release(revision);
	}
	if (!rc && out) {
		memcpy(out->name, tag->tag, sizeof out->name);
		out->revision = tag->revision;
		out->created = tag->created;
		out->key = revision->key;
	}
	tag_free(tag);
	bytes_release(&text);
	return rc;
}

static int read_tags(struct revisions *r, struct trouble *t)
{
	struct store_tags names = {0};
	int rc = store_tags_list(r->store, &names, t);

	if (rc)
		return rc;
	r->tags = calloc(names.count + 1, sizeof *r->tags);
	if (!r->tags)
		rc = trouble_set(t, ERR_NO_MEMORY, "out of memory");
	for (size_t i = 0; !rc && i < names.count; i++) {
		struct known_revision revision = {0};
		struct trouble why = {0};

		if (tag_look(r, names.names[i], &r->tags[r->tag_count], &revision, &why)) {
			log_warning(r->reader.log, "%s", why.text);
			r->unread_tags++;
		} else {
			r->tag_count++;
		}
		known_revision_release(&revision);
	}
	store_tags_release(&names);
	return rc;
}

static int store_find(struct revisions *r, const char *which, struct known_revision *out,
	struct trouble *t)
{
	uint64_t number = 0;

	if (!which || revisions_is_number(which, &number))
		return store_get(r, number, out, t);
	return tag_look(r, which, NULL, out, t);
}

static int revisions_open_store(struct revisions *r, const char *path, const char *which,
	struct known_revision *out, struct trouble *t)
{
	struct known_revision newest = {0};
	int rc = store_directory_open(path, STORE_READ, &r->store, t);

	if (!rc)
		rc = store_get(r, 0, &newest, t);
	if (rc)
		return rc;
	r->newest = newest.manifest->revision;
	rc = store_revisions_list(r->store, r->newest, &r->numbers, t);
	if (!rc)
		rc = read_tags(r, t);
	if (!rc && which)
		rc = store_find(r, which, out, t);
	if (rc || which)
		known_revision_release(&newest);
	else
		*out = newest;
	return rc;
}

/* A URL */

static int bring(struct revisions *r, uint64_t number, const char *tag,
	struct known_revision *out, struct trouble *t)
{
	struct dataset_options options = r->options->dataset;
	int rc;

	options.revision = number;
	options.tag = tag;
	rc = dataset_bring(r->reader.dataset, &options, &out->manifest, t);
	if (!rc)
		out->key = r->reader.dataset->key;
	return rc;
}

static int revisions_open_url(struct revisions *r, const char *url, const char *which,
	struct reader_options *o, struct known_revision *out, struct trouble *t)
{
	uint64_t number = 0;
	int rc;

	o->dataset.url = url;
	if (revisions_is_number(which, &number))
		o->dataset.revision = number;
	else
		o->dataset.tag = which;
	log_free(r->reader.log);
	rc = reader_open(&r->reader, o, NULL, t);
	if (rc)
		return rc;
	rc = manifest_decode(
		span_of_bytes(&r->reader.dataset->manifest_text), &out->manifest, t);
	if (rc)
		return rc;
	out->key = r->reader.dataset->key;
	r->newest = out->manifest->revision;
	return 0;
}

/* Either */

int revisions_open(struct revisions *r, const char *given, const char *which,
	struct reader_options *o, struct known_revision *out, struct trouble *t)
{
	struct store_location location = {0};
	int rc;

	*r = (struct revisions){.options = o};
	r->reader.log = log_new_stderr(log_level_of(LOG_LEVEL_WARNING, o->verbose));
	rc = store_location_find(given, &location, t);
	if (!rc)
		rc = location.is_url
			     ? revisions_open_url(r, location.text, which, o, out, t)
			     : revisions_open_store(r, location.text, which, out, t);
	store_location_release(&location);
	if (rc)
		revisions_close(r);
	return rc;
}

void revisions_close(struct revisions *r)
{
	store_revisions_release(&r->numbers);
	free(r->tags);
	store_close(r->store);
	reader_close(&r->reader);
	*r = (struct revisions){0};
}

int revisions_get(
	struct revisions *r, uint64_t number, struct known_revision *out, struct trouble *t)
{
	return r->store ? store_get(r, number, out, t) : bring(r, number, NULL, out, t);
}

int revisions_find(struct revisions *r, const char *which, struct known_revision *out,
	struct trouble *t)
{
	uint64_t number = 0;

	if (r->store)
		return store_find(r, which, out, t);
	if (!which || revisions_is_number(which, &number))
		return bring(r, number, NULL, out, t);
	return bring(r, 0, which, out, t);
}

/* 0: there is none. */
static uint64_t number_below(const struct revisions *r, uint64_t number)
{
	if (!r->store)
		return number - 1;
	for (size_t i = 0; i < r->numbers.count; i++)
		if (r->numbers.numbers[i] < number)
			return r->numbers.numbers[i];
	return 0;
}

int revisions_next(struct revisions *r, uint64_t *number, struct known_revision *out,
	struct trouble *t)
{
	uint64_t below = *number;

	for (unsigned gone = 0; gone <= REVISIONS_GAP_MAX; gone++) {
		struct trouble why = {0};
		int rc;

		below = number_below(r, below);
		if (below == 0)
			break;
		rc = revisions_get(r, below, out, &why);
		if (rc == ERR_ABSENT)
			continue;
		*number = below;
		return rc ? trouble_set(t, rc, "%s", why.text) : 0;
	}
	return trouble_set(t, ERR_ABSENT, "there is no revision before %llu",
		(unsigned long long)*number);
}

struct diff_step {
	const struct revisions_diff *d;
	struct tree_told start;
};

/* Tried as a whole, like all that is done with an attempt: what was told in one that met
 * damage may not be believed. */
static int revisions_diff_step(struct attempt *a, void *arg)
{
	const struct diff_step *step = arg;
	const struct revisions_diff *d = step->d;
	struct page_source pages = attempt_pages(a);

	d->again(d->ctx);
	*d->told = step->start;
	return tree_diff(&pages, d->before, d->after, d->told, d->each, d->ctx);
}

int revisions_diff(struct revisions *r, const struct revisions_diff *d, struct trouble *t)
{
	struct diff_step step = {d, *d->told};
	struct store_pages *pages;
	int rc;

	if (!r->store)
		return reader_run(&r->reader, revisions_diff_step, &step, t);
	pages = store_pages_new(r->store, DIFF_MEMORY);
	if (!pages)
		return trouble_set(t, ERR_NO_MEMORY, "out of memory");
	rc = store_pages_diff(pages, d->before, d->after, d->told, d->each, d->ctx, t);
	store_pages_free(pages);
	return rc;
}
