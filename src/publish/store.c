/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/tag.h"
#include "publish/store.h"

void store_close(struct store *s)
{
	if (s)
		s->methods->close(s);
}

const char *store_name(const struct store *s)
{
	return s->name;
}

bool store_is_writable(const struct store *s)
{
	return s->methods->put != NULL;
}

int store_find_blob(
	struct store *s, const struct digest *name, struct stored *out, struct trouble *t)
{
	return s->methods->find_blob(s, name, out, t);
}

int store_read_stored(
	struct store *s, const struct digest *name, struct bytes *out, struct trouble *t)
{
	char path[BLOB_PATH_SIZE];
	uint64_t asked = 0;

	blob_path(name, path);
	return s->methods->read(s, path, BLOB_SIZE_MAX, &asked, out, NULL, t);
}

/* What a reading of a blob needs beside its name. */
struct blob_reading {
	struct store *store;
	struct blob_codec *codec;
	bool plain; /* it is a base, which has none itself */
	struct bytes stored, base;
	struct trouble *t;
};

static int store_read_content(
	struct blob_reading *r, const struct digest *name, struct bytes *content);

static int store_read_base(struct blob_reading *r, const struct digest *name)
{
	struct blob_reading plain = {
		.store = r->store, .codec = r->codec, .plain = true, .t = r->t};
	int rc = r->plain ? ERR_CORRUPT : store_read_content(&plain, name, &r->base);

	bytes_release(&plain.stored);
	return rc;
}

/* Of what is in r->stored. */
static int store_decode_stored(
	struct blob_reading *r, const struct digest *name, struct bytes *content)
{
	struct blob_head head;
	int rc = blob_head_decode(span_of_bytes(&r->stored), PAGE_SIZE_MAX, &head);

	bytes_clear(&r->base);
	if (!rc && head.has_base)
		rc = store_read_base(r, &head.base);
	if (rc)
		return rc;
	bytes_clear(content);
	rc = bytes_reserve(content, head.size + 1);
	if (!rc)
		rc = blob_decode(r->codec, span_of_bytes(&r->stored),
			span_of_bytes(&r->base), name, content->data, head.size);
	if (!rc)
		content->size = head.size;
	return rc;
}

/* Asks wherever it may lie until it is right. */
static int store_read_content(
	struct blob_reading *r, const struct digest *name, struct bytes *content)
{
	const struct store_methods *m = r->store->methods;
	char path[BLOB_PATH_SIZE];
	uint64_t asked = 0;
	bool wrong = false;
	int rc;

	blob_path(name, path);
	for (;;) {
		bytes_clear(&r->stored);
		rc = m->read(r->store, path, BLOB_SIZE_MAX, &asked, &r->stored, NULL, r->t);
		if (rc)
			break;
		rc = store_decode_stored(r, name, content);
		if (rc != ERR_CORRUPT && rc != ERR_LIMIT)
			return rc;
		wrong = true;
	}
	return wrong ? trouble_set(r->t, ERR_CORRUPT, "%s in %s is damaged", path,
			       r->store->name)
		     : rc;
}

int store_read_blob(struct store *s, struct blob_codec *codec, const struct digest *name,
	struct bytes *content, struct trouble *t)
{
	struct blob_reading r = {.store = s, .codec = codec, .t = t};
	int rc = store_read_content(&r, name, content);

	bytes_release(&r.stored);
	bytes_release(&r.base);
	return rc;
}

int store_read_blob_stored(struct store *s, struct blob_codec *codec,
	const struct digest *name, struct bytes *stored, struct bytes *content,
	struct trouble *t)
{
	struct blob_reading r = {.store = s, .codec = codec, .stored = *stored, .t = t};
	int rc = store_read_content(&r, name, content);

	*stored = r.stored;
	bytes_release(&r.base);
	return rc;
}

static int fail_read_only(const struct store *s, struct trouble *t)
{
	return trouble_set(
		t, ERR_UNSUPPORTED, "%s can be read, but not written to", s->name);
}

int store_write_blob(
	struct store *s, const struct digest *name, struct span stored, struct trouble *t)
{
	if (!s->methods->put_blob)
		return fail_read_only(s, t);
	return s->methods->put_blob(s, name, stored, t);
}

static int store_remove(struct store *s, const char *path, struct trouble *t)
{
	if (!s->methods->remove)
		return fail_read_only(s, t);
	return s->methods->remove(s, path, t);
}

int store_remove_blob(struct store *s, const struct digest *name, struct trouble *t)
{
	char path[BLOB_PATH_SIZE];

	blob_path(name, path);
	return store_remove(s, path, t);
}

int store_sync(struct store *s, struct trouble *t)
{
	return s->methods->sync ? s->methods->sync(s, t) : 0;
}

int store_unsynced_since(struct store *s, int64_t *out)
{
	return s->methods->unsynced_since ? s->methods->unsynced_since(s, out) : ERR_ABSENT;
}

int store_settle(struct store *s, struct trouble *t)
{
	return s->methods->settle ? s->methods->settle(s, t) : 0;
}

int store_check_readable(struct store *s, struct trouble *t)
{
	return s->methods->check_readable ? s->methods->check_readable(s, t) : 0;
}

void store_discard(struct store *s)
{
	if (s && s->methods->discard)
		s->methods->discard(s);
}

static int store_read_small(struct store *s, const char *path, struct bytes *text,
	struct store_version *seen, struct trouble *t)
{
	struct store_version version;
	uint64_t asked = 0;
	int rc = s->methods->read(s, path, MANIFEST_SIZE_MAX, &asked, text, &version, t);

	if (!rc && seen)
		*seen = version;
	return rc;
}

static int store_put(struct store *s, const char *path, struct span text,
	const struct store_version *seen, struct trouble *t)
{
	if (!s->methods->put)
		return fail_read_only(s, t);
	return s->methods->put(s, path, text, seen, t);
}

int store_read_manifest(struct store *s, struct bytes *text, struct manifest **out,
	struct store_version *seen, struct trouble *t)
{
	struct trouble why = {0};
	int rc = store_read_small(s, "manifest.json", text, seen, t);

	if (rc == ERR_ABSENT && seen)
		seen->text[0] = '\0';
	if (rc)
		return rc;
	rc = manifest_decode(span_of_bytes(text), out, &why);
	if (rc)
		return trouble_set(t, rc,
			"manifest.json in the store %s cannot be used: %.400s; put the "
			"newest good file of revisions/ in its place, or publish to a new "
			"store",
			s->name, why.text[0] != '\0' ? why.text : error_text(rc));
	return 0;
}

static void revision_path(uint64_t revision, char path[STORE_PATH_MAX])
{
	snprintf(path, STORE_PATH_MAX, "revisions/%llu.json", (unsigned long long)revision);
}

int store_read_revision(struct store *s, uint64_t revision, struct bytes *text,
	struct manifest **out, struct trouble *t)
{
	char path[STORE_PATH_MAX];
	struct trouble why = {0};
	struct manifest *m;
	int rc;

	revision_path(revision, path);
	rc = store_read_small(s, path, text, NULL, t);
	if (rc)
		return rc;
	rc = manifest_decode(span_of_bytes(text), &m, &why);
	if (rc)
		return trouble_set(t, rc, "%s in the store %s cannot be used: %.400s", path,
			s->name, why.text[0] != '\0' ? why.text : error_text(rc));
	if (m->revision != revision) {
		rc = trouble_set(t, ERR_CORRUPT, "%s in the store %s says revision %llu",
			path, s->name, (unsigned long long)m->revision);
		manifest_free(m);
		return rc;
	}
	*out = m;
	return 0;
}

int store_write_revision(
	struct store *s, uint64_t revision, struct span text, struct trouble *t)
{
	char path[STORE_PATH_MAX];

	revision_path(revision, path);
	return store_put(s, path, text, NULL, t);
}

int store_write_manifest(struct store *s, uint64_t revision, struct span text,
	const struct store_version *seen, struct trouble *t)
{
	int rc = store_write_revision(s, revision, text, t);

	return rc ? rc : store_put(s, "manifest.json", text, seen, t);
}

int store_remove_revision(struct store *s, uint64_t revision, struct trouble *t)
{
	char path[STORE_PATH_MAX];

	revision_path(revision, path);
	return store_remove(s, path, t);
}

static int tag_path(const char *tag, char path[STORE_PATH_MAX], struct trouble *t)
{
	if (tag_name_check(tag))
		return trouble_set(t, ERR_INVALID,
			"'%.200s' cannot be a tag: use letters, digits, '.', '_' and '-', "
			"not first '.' or '-', at most %d",
			tag, TAG_NAME_MAX);
	snprintf(path, STORE_PATH_MAX, "tags/%s.json", tag);
	return 0;
}

int store_read_tag(struct store *s, const char *tag, struct bytes *text,
	struct store_version *seen, struct trouble *t)
{
	char path[STORE_PATH_MAX];
	int rc = tag_path(tag, path, t);

	if (!rc)
		rc = store_read_small(s, path, text, seen, t);
	if (rc == ERR_ABSENT && seen)
		seen->text[0] = '\0';
	return rc;
}

int store_write_tag(struct store *s, const char *tag, struct span text,
	const struct store_version *seen, struct trouble *t)
{
	char path[STORE_PATH_MAX];
	int rc = tag_path(tag, path, t);

	return rc ? rc : store_put(s, path, text, seen, t);
}

int store_remove_tag(struct store *s, const char *tag, struct trouble *t)
{
	char path[STORE_PATH_MAX];
	int rc = tag_path(tag, path, t);

	return rc ? rc : store_remove(s, path, t);
}

int store_read_tombstones(
	struct store *s, const char *path, struct bytes *text, struct trouble *t)
{
	return store_read_small(s, path, text, NULL, t);
}

int store_write_tombstones(
	struct store *s, const char *path, struct span text, struct trouble *t)
{
	return store_put(s, path, text, NULL, t);
}

int store_remove_tombstones(struct store *s, const char *path, struct trouble *t)
{
	return store_remove(s, path, t);
}

int store_list(
	struct store *s, const char *prefix, struct store_listing **out, struct trouble *t)
{
	if (!s->methods->list)
		return trouble_set(t, ERR_UNSUPPORTED,
			"what is in %s cannot be listed: a web server does not tell; use "
			"the directory that it serves",
			s->name);
	return s->methods->list(s, prefix, out, t);
}
