/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "publish/blob_copy.h"

#define COPY_LEVEL 3 /* zstd's, as publish has it, of what is encoded anew */

static bool blob_copy_is_damage(int rc)
{
	return rc == ERR_CORRUPT || rc == ERR_LIMIT || rc == ERR_ABSENT;
}

static int blob_look_fail_size(struct store *s, const struct digest *name, uint64_t found,
	uint64_t wanted, struct trouble *t)
{
	char path[BLOB_PATH_SIZE];

	blob_path(name, path);
	return trouble_set(t, ERR_CORRUPT, "%s in %s holds %llu bytes, not %llu", path,
		store_name(s), (unsigned long long)found, (unsigned long long)wanted);
}

/* A delta needs its base, and that plain. */
static int blob_look_at_base(struct store *s, const struct digest *name,
	const struct digest *base, struct trouble *t)
{
	char path[BLOB_PATH_SIZE], base_path[BLOB_PATH_SIZE];
	struct stored stored;
	int rc = store_find_blob(s, base, &stored, t);

	if (!rc && !stored.has_base)
		return 0;
	if (rc && !blob_copy_is_damage(rc))
		return rc;
	blob_path(name, path);
	blob_path(base, base_path);
	return trouble_set(t, ERR_CORRUPT, "%s in %s cannot be read: its base %s is %s",
		path, store_name(s), base_path,
		!rc		   ? "a delta itself"
		: rc == ERR_ABSENT ? "not there"
				   : "damaged");
}

/* A server tells nothing of a blob but by sending it: once is enough. */
static int blob_look_by_reading(struct store *s, struct blob_scratch *x,
	const struct reached *blob, struct stored *stored, struct trouble *t)
{
	struct blob_head head;
	int rc = store_read_blob_stored(
		s, x->codec, &blob->digest, &x->stored, &x->content, t);

	if (!rc)
		rc = blob_head_decode(span_of_bytes(&x->stored), PAGE_SIZE_MAX, &head);
	if (rc)
		return rc;
	*stored = (struct stored){.size = x->stored.size,
		.content = head.size,
		.has_base = head.has_base,
		.base = head.base};
	return blob->size && head.size != blob->size
		       ? blob_look_fail_size(s, &blob->digest, head.size, blob->size, t)
		       : 0;
}

int blob_look(struct store *s, struct blob_scratch *x, const struct reached *blob,
	bool read_all, struct stored *stored, struct trouble *t)
{
	int rc;

	if (read_all && !s->methods->list)
		return blob_look_by_reading(s, x, blob, stored, t);
	rc = store_find_blob(s, &blob->digest, stored, t);
	if (!rc && blob->size && stored->content != blob->size)
		return blob_look_fail_size(
			s, &blob->digest, stored->content, blob->size, t);
	if (!rc && stored->has_base)
		rc = blob_look_at_base(s, &blob->digest, &stored->base, t);
	if (!rc && read_all) {
		rc = store_read_blob(s, x->codec, &blob->digest, &x->content, t);
		if (blob_copy_is_damage(rc)) /* absent: its base went meanwhile */
			rc = ERR_CORRUPT;
	}
	return rc;
}

int blob_put_plain(struct store *to, struct blob_scratch *x, const struct digest *name,
	uint64_t *bytes, struct trouble *t)
{
	int rc;

	bytes_clear(&x->other);
	rc = blob_encode(x->codec, span_of_bytes(&x->content), COPY_LEVEL, &x->other);
	if (!rc)
		rc = store_write_blob(to, name, span_of_bytes(&x->other), t);
	if (!rc)
		*bytes = x->other.size;
	return rc;
}

/* From the source into x->stored and x->content. */
static int blob_copy_take(const struct blob_copy *c, struct blob_scratch *x,
	const struct reached *blob, struct blob_copied *out, struct trouble *t)
{
	int rc = store_read_blob_stored(
		c->from, x->codec, &blob->digest, &x->stored, &x->content, t);

	if (!rc && blob->size && x->content.size != blob->size)
		rc = blob_look_fail_size(
			c->from, &blob->digest, x->content.size, blob->size, t);
	out->lacking = blob_copy_is_damage(rc);
	return rc;
}

static void blob_copy_count(struct blob_copied *out, uint64_t bytes)
{
	out->blobs++;
	out->bytes += bytes;
}

/* Puts the base as the source has it, which is plain, as a delta's base is. */
static int blob_copy_base(const struct blob_copy *c, struct blob_scratch *x,
	const struct digest *base, struct blob_copied *out, struct trouble *t)
{
	struct bytes content = {0};
	int rc = store_read_blob_stored(c->from, x->codec, base, &x->other, &content, t);

	bytes_release(&content);
	out->lacking = blob_copy_is_damage(rc);
	if (!rc)
		rc = store_write_blob(c->to, base, span_of_bytes(&x->other), t);
	if (!rc)
		blob_copy_count(out, x->other.size);
	return rc;
}

/* As it is stored in the source; what it is a delta on first. */
static int blob_copy_as_stored(const struct blob_copy *c, struct blob_scratch *x,
	const struct digest *name, struct blob_copied *out, struct trouble *t)
{
	struct blob_head head;
	int rc = blob_head_decode(span_of_bytes(&x->stored), PAGE_SIZE_MAX, &head);

	if (!rc && head.has_base && blob_look_at_base(c->to, name, &head.base, NULL))
		rc = blob_copy_base(c, x, &head.base, out, t);
	if (!rc)
		rc = store_write_blob(c->to, name, span_of_bytes(&x->stored), t);
	if (!rc)
		blob_copy_count(out, x->stored.size);
	return rc;
}

int blob_copy(const struct blob_copy *c, struct blob_scratch *x, const struct reached *blob,
	struct blob_copied *out, struct trouble *t)
{
	struct trouble in_destination = {0};
	struct stored stored;
	uint64_t bytes;
	int there, rc;

	*out = (struct blob_copied){0};
	there = blob_look(c->to, x, blob, c->read_all, &stored, &in_destination);
	if (!there || !blob_copy_is_damage(there)) {
		if (there && t)
			*t = in_destination;
		return there;
	}
	rc = blob_copy_take(c, x, blob, out, t);
	/* Others in the destination may be deltas on what was damaged there. */
	if (!rc && there != ERR_ABSENT) {
		rc = blob_put_plain(c->to, x, &blob->digest, &bytes, t);
		if (!rc)
			blob_copy_count(out, bytes);
		return rc;
	}
	return rc ? rc : blob_copy_as_stored(c, x, &blob->digest, out, t);
}
