/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "format/manifest.h"
#include "format/page_builder.h"
#include "format/profile.h"
#include "util/clock.h"

/* What the publisher does (publish/chunker.h, which stands above this layer). A reader
 * needs none of it. */
#define CHUNKING_ALGORITHM "fastcdc-2020"
#define CHUNKING_MIN 131072
#define CHUNKING_MEAN 524288
#define CHUNKING_MAX 2097152
#define CHUNKING_LARGE 131072
#define BUNDLING_TARGET 1048576

#define FEATURE_NAME_MAX 64
#define FEATURES_MAX 64

static int manifest_read_name(const json_t *value, void *into)
{
	return document_name(value, &((struct manifest *)into)->name);
}

static int manifest_read_dataset(const json_t *value, void *into)
{
	struct manifest *m = into;
	struct span id;

	if (json_get_string(value, MANIFEST_DATASET_SIZE - 1, &id) ||
		id.size != MANIFEST_DATASET_SIZE - 1)
		return ERR_CORRUPT;
	for (size_t i = 0; i < id.size; i++)
		if (!id.data[i] || !strchr("0123456789abcdef", id.data[i]))
			return ERR_CORRUPT;
	memcpy(m->dataset, id.data, id.size);
	m->dataset[id.size] = '\0';
	return 0;
}

static int manifest_read_revision(const json_t *value, void *into)
{
	return document_revision(value, &((struct manifest *)into)->revision);
}

static int manifest_read_created(const json_t *value, void *into)
{
	return document_time(value, &((struct manifest *)into)->created);
}

/* 0 stands for "never", so an expiry in 1970 must not be spelt that way. */
static int manifest_read_expires(const json_t *value, void *into)
{
	struct manifest *m = into;
	int64_t expires;

	if (document_time(value, &expires) || expires <= 0)
		return ERR_CORRUPT;
	m->expires = expires;
	return 0;
}

static int manifest_read_message(const json_t *value, void *into)
{
	struct manifest *m = into;
	struct span message;

	if (json_get_string(value, MANIFEST_MESSAGE_MAX, &message))
		return ERR_CORRUPT;
	m->message = span_to_string(message);
	return m->message ? 0 : ERR_NO_MEMORY;
}

static int manifest_read_previous(const json_t *value, void *into)
{
	struct manifest *m = into;

	m->has_previous = !json_is_null(value);
	return m->has_previous ? json_get_digest(value, &m->previous) : 0;
}

static int manifest_read_root(const json_t *value, void *into)
{
	return json_get_digest(value, &((struct manifest *)into)->root);
}

static int manifest_read_first(const json_t *value, void *into)
{
	struct first_pages *first = &((struct manifest *)into)->first;
	size_t count = json_array_size(value);

	if (!json_is_array(value) || count > PAGES_FIRST_MAX)
		return ERR_CORRUPT;
	for (size_t i = 0; i < count; i++)
		if (json_get_digest(json_array_get(value, i), &first->pages[i]))
			return ERR_CORRUPT;
	first->count = (unsigned)count;
	return 0;
}

static int manifest_read_totals(const json_t *value, void *into)
{
	static const char *const names[] = {
		"entries", "files", "bytes", "objects", "stored", "xattrs", "acls", NULL};
	struct totals *totals = &((struct manifest *)into)->totals;
	uint64_t *const fields[] = {&totals->entries, &totals->files, &totals->bytes,
		&totals->objects, &totals->stored, &totals->xattrs, &totals->acls};

	if (json_only_members(value, names))
		return ERR_CORRUPT;
	for (size_t i = 0; names[i]; i++)
		if (json_get_u64(json_object_get(value, names[i]), INT64_MAX, fields[i]))
			return ERR_CORRUPT;
	return 0;
}

static int manifest_read_profile(const json_t *value, void *into)
{
	static const char *const names[] = {"digest", "size", NULL};
	struct manifest *m = into;

	if (json_only_members(value, names) ||
		json_get_digest(json_object_get(value, names[0]), &m->profile) ||
		json_get_u64(json_object_get(value, names[1]), PROFILE_STORED_MAX,
			&m->profile_size) ||
		m->profile_size == 0)
		return ERR_CORRUPT;
	return 0;
}

static int manifest_read_chunking(const json_t *value, void *into)
{
	static const char *const names[] = {
		"algorithm", "min", "mean", "max", "large", NULL};
	struct span algorithm;
	uint64_t number;

	(void)into;
	if (json_only_members(value, names) ||
		json_get_string(
			json_object_get(value, names[0]), FEATURE_NAME_MAX, &algorithm))
		return ERR_CORRUPT;
	for (size_t i = 1; names[i]; i++)
		if (json_get_u64(json_object_get(value, names[i]), INT64_MAX, &number))
			return ERR_CORRUPT;
	return 0;
}

static int manifest_read_bundling(const json_t *value, void *into)
{
	static const char *const names[] = {"target", NULL};
	uint64_t target;

	(void)into;
	if (json_only_members(value, names))
		return ERR_CORRUPT;
	return json_get_u64(json_object_get(value, "target"), INT64_MAX, &target);
}

/* Minimum, cut (one in so many), maximum. */
static int check_cuts(const json_t *value)
{
	uint64_t number;

	if (!json_is_array(value) || json_array_size(value) != 3)
		return ERR_CORRUPT;
	for (size_t i = 0; i < 3; i++)
		if (json_get_u64(json_array_get(value, i), INT64_MAX, &number))
			return ERR_CORRUPT;
	return 0;
}

static int manifest_read_paging(const json_t *value, void *into)
{
	static const char *const names[] = {"leaf", "inner", NULL};

	(void)into;
	if (json_only_members(value, names) || check_cuts(json_object_get(value, "leaf")))
		return ERR_CORRUPT;
	return check_cuts(json_object_get(value, "inner"));
}

/* The member that says that a feature is used; NULL: it is not known. */
static bool *feature_member(struct manifest *m, struct span name)
{
	if (span_equal(name, span_of_string("delta")))
		return &m->delta;
	if (span_equal(name, span_of_string("extents")))
		return &m->extent_lists;
	return NULL;
}

static int manifest_read_features(const json_t *value, void *into)
{
	struct manifest *m = into;

	if (!json_is_array(value) || json_array_size(value) > FEATURES_MAX)
		return ERR_CORRUPT;
	for (size_t i = 0; i < json_array_size(value); i++) {
		struct span name;
		bool *used;

		if (json_get_string(json_array_get(value, i), FEATURE_NAME_MAX, &name))
			return ERR_CORRUPT;
		used = feature_member(m, name);
		if (!used)
			return ERR_UNSUPPORTED;
		if (*used)
			return ERR_CORRUPT;
		*used = true;
	}
	return 0;
}

/* An URL of a scheme that the fetcher knows, without spaces or control bytes. */
bool manifest_is_mirror(struct span url)
{
	static const char *const schemes[] = {"https://", "http://", "file://"};
	bool known = false;

	for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
		size_t size = strlen(schemes[i]);

		known = known || (url.size > size && !memcmp(url.data, schemes[i], size));
	}
	for (size_t i = 0; i < url.size; i++)
		if (url.data[i] <= 0x20 || url.data[i] == 0x7f)
			return false;
	return known;
}

static int manifest_read_mirrors(const json_t *value, void *into)
{
	struct manifest *m = into;
	size_t count = json_array_size(value);

	if (!json_is_array(value) || count > MANIFEST_MIRRORS_MAX)
		return ERR_CORRUPT;
	if (count == 0)
		return 0;
	m->mirrors = calloc(count, sizeof *m->mirrors);
	if (!m->mirrors)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < count; i++) {
		struct span url;

		if (json_get_string(json_array_get(value, i), MANIFEST_URL_MAX, &url) ||
			!manifest_is_mirror(url))
			return ERR_CORRUPT;
		m->mirrors[i] = span_to_string(url);
		if (!m->mirrors[i])
			return ERR_NO_MEMORY;
		m->mirror_count++;
	}
	return 0;
}

static int manifest_read_signatures(const json_t *value, void *into)
{
	struct manifest *m = into;

	return document_signatures(value, &m->signatures, &m->signature_count);
}

int manifest_decode(struct span text, struct manifest **out, struct trouble *t)
{
	/* "features" first: what it names may explain members that are unknown here. */
	static const struct document_member members[] = {
		{"features", false, manifest_read_features},
		{"name", false, manifest_read_name},
		{"dataset", true, manifest_read_dataset},
		{"revision", false, manifest_read_revision},
		{"created", false, manifest_read_created},
		{"expires", true, manifest_read_expires},
		{"message", false, manifest_read_message},
		{"previous", false, manifest_read_previous},
		{"root", false, manifest_read_root},
		{"first", false, manifest_read_first},
		{"totals", false, manifest_read_totals},
		{"profile", true, manifest_read_profile},
		{"chunking", false, manifest_read_chunking},
		{"bundling", false, manifest_read_bundling},
		{"paging", false, manifest_read_paging},
		{"mirrors", false, manifest_read_mirrors},
		{"signatures", false, manifest_read_signatures},
		{NULL, false, NULL},
	};
	struct manifest *m = calloc(1, sizeof *m);
	int rc;

	if (!m)
		return trouble_set(t, ERR_NO_MEMORY, "manifest: out of memory");
	rc = document_decode(text, "manifest", members, m, t);
	if (rc) {
		manifest_free(m);
		return rc;
	}
	m->digest = digest_of(text.data, text.size);
	*out = m;
	return 0;
}

void manifest_free(struct manifest *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->mirror_count; i++)
		free(m->mirrors[i]);
	free(m->mirrors);
	free(m->signatures);
	free(m->message);
	free(m->name);
	free(m);
}

/* How the revision was cut: constants of format 1. NULL without memory. */
static json_t *pack_parameters(void)
{
	return json_pack("{s:{s:s, s:i, s:i, s:i, s:i}, s:{s:i}, s:{s:[iii], s:[iii]}}",
		"chunking", "algorithm", CHUNKING_ALGORITHM, "min", CHUNKING_MIN, "mean",
		CHUNKING_MEAN, "max", CHUNKING_MAX, "large", CHUNKING_LARGE, "bundling",
		"target", BUNDLING_TARGET, "paging", "leaf", LEAF_ROWS_MIN, LEAF_CUT_ONE_IN,
		LEAF_ROWS_MAX, "inner", INNER_ROWS_MIN, INNER_CUT_ONE_IN, INNER_ROWS_MAX);
}

static json_t *pack_totals(const struct totals *totals)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "entries",
		(json_int_t)totals->entries, "files", (json_int_t)totals->files, "bytes",
		(json_int_t)totals->bytes, "objects", (json_int_t)totals->objects, "stored",
		(json_int_t)totals->stored, "xattrs", (json_int_t)totals->xattrs, "acls",
		(json_int_t)totals->acls);
}

/* New reference or NULL without memory. */
static json_t *pack_first(const struct first_pages *first)
{
	json_t *pages = json_array();

	for (unsigned i = 0; i < first->count; i++) {
		if (json_array_append_new(pages, json_digest(&first->pages[i]))) {
			json_decref(pages);
			return NULL;
		}
	}
	return pages;
}

/* New reference or NULL without memory. */
static json_t *pack_features(const struct manifest *m)
{
	json_t *features = json_array();
	bool failed = false;

	if (m->delta)
		failed = json_array_append_new(features, json_string("delta"));
	if (m->extent_lists)
		failed |= json_array_append_new(features, json_string("extents"));
	if (failed)
		json_decref(features);
	return failed ? NULL : features;
}

/* Nothing, where there is none. ERR_NO_MEMORY. */
static int pack_profile(json_t *document, const struct manifest *m)
{
	char digest[DIGEST_HEX_SIZE];

	if (m->profile_size == 0)
		return 0;
	digest_to_hex(&m->profile, digest);
	return json_object_set_new(document, "profile",
		       json_pack("{s:s, s:I}", "digest", digest, "size",
			       (json_int_t)m->profile_size))
		       ? ERR_NO_MEMORY
		       : 0;
}

static int pack_members(const struct manifest *m, json_t **out)
{
	char created[CLOCK_TEXT_SIZE], expires[CLOCK_TEXT_SIZE];
	char root[DIGEST_HEX_SIZE], previous[DIGEST_HEX_SIZE];
	json_error_t error;

	clock_format(m->created, created);
	clock_format(m->expires, expires);
	digest_to_hex(&m->root, root);
	digest_to_hex(&m->previous, previous);
	*out = json_pack_ex(&error, 0, "{s:i, s:s, s:s*, s:I, s:s, s:s*, s:s, s:s?, s:s}",
		"format", DOCUMENT_FORMAT, "name", m->name, "dataset",
		*m->dataset ? m->dataset : NULL, "revision", (json_int_t)m->revision,
		"created", created, "expires", m->expires ? expires : NULL, "message",
		m->message ? m->message : "", "previous", m->has_previous ? previous : NULL,
		"root", root);
	return *out ? 0 : document_pack_error(&error);
}

static int pack_mirrors(const struct manifest *m, json_t **out)
{
	json_t *mirrors = json_array();
	json_error_t error;

	if (!mirrors)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < m->mirror_count; i++) {
		json_t *url = json_pack_ex(&error, 0, "s", m->mirrors[i]);

		if (!url || json_array_append_new(mirrors, url)) {
			json_decref(mirrors);
			return url ? ERR_NO_MEMORY : document_pack_error(&error);
		}
	}
	*out = mirrors;
	return 0;
}

static int manifest_pack(const struct manifest *m, json_t **out)
{
	json_t *document, *mirrors = NULL;
	int rc = pack_members(m, &document);

	if (rc)
		return rc;
	rc = pack_mirrors(m, &mirrors);
	/* Each of these takes its value over and fails when it is NULL. */
	if (!rc &&
		(json_object_set_new(document, "mirrors", mirrors) ||
			json_object_set_new(document, "totals", pack_totals(&m->totals)) ||
			pack_profile(document, m) ||
			json_object_set_new(document, "first", pack_first(&m->first)) ||
			json_object_set_new(document, "features", pack_features(m)) ||
			json_object_update_new(document, pack_parameters())))
		rc = ERR_NO_MEMORY;
	if (rc) {
		json_decref(document);
		return rc;
	}
	*out = document;
	return 0;
}

/* Nothing is published that a reader would refuse. */
static int manifest_check_readable(struct span text)
{
	struct manifest *m;
	int rc = manifest_decode(text, &m, NULL);

	if (rc)
		return rc == ERR_NO_MEMORY ? rc : ERR_INVALID;
	manifest_free(m);
	return 0;
}

int manifest_encode(const struct manifest *m, const struct private_key *const *keys,
	size_t key_count, struct bytes *text)
{
	size_t start = text->size;
	json_t *document = NULL;
	int rc = manifest_pack(m, &document);

	if (rc)
		return rc;
	rc = document_encode(document, keys, key_count, text);
	json_decref(document);
	if (!rc)
		rc = manifest_check_readable(span_of_part(text, start, text->size - start));
	if (rc)
		text->size = start;
	return rc;
}

int manifest_verify(struct span text, const struct public_key *key)
{
	return document_verify(text, key);
}
