/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "publish/tagging.h"

#include <string.h>

#include "util/clock.h"

int tagging_check_name(const char *name, struct trouble *t)
{
	if (!tag_name_check(name))
		return 0;
	return trouble_set(t, ERR_INVALID,
		"'%s' cannot be a tag: use letters, digits, '.', '_' and '-', not first "
		"'.' or '-', at most %d",
		name, TAG_NAME_MAX);
}

int tagging_read(struct store *s, const char *name, struct bytes *text, struct tag **out,
	struct store_version *seen, struct trouble *t)
{
	struct trouble why = {0};
	struct tag *tag;
	int rc = tagging_check_name(name, t);

	if (!rc)
		rc = store_read_tag(s, name, text, seen, t);
	if (rc == ERR_ABSENT)
		return trouble_set(
			t, rc, "the store %s has no tag \"%s\"", store_name(s), name);
	if (rc)
		return rc;
	rc = tag_decode(span_of_bytes(text), &tag, &why);
	if (rc)
		return trouble_set(t, rc, "the tag \"%s\" of the store %s: %.600s", name,
			store_name(s), why.text[0] ? why.text : error_text(rc));
	if (strcmp(tag->tag, name) != 0) {
		rc = trouble_set(t, ERR_CORRUPT,
			"tags/%s.json in the store %s is the tag \"%s\"", name,
			store_name(s), tag->tag);
		tag_free(tag);
		return rc;
	}
	*out = tag;
	return 0;
}

/* The one that is there: what is to be later than it, and whether it will do. One that
 * cannot be read is replaced. */
struct tag_before {
	struct store_version seen;
	int64_t created; /* 0: there is none */
	bool is_same;
};

static int tag_before_read(
	const struct tagging *o, struct tag_before *out, struct trouble *t)
{
	struct public_key key = private_key_public(o->key);
	struct trouble why = {0};
	struct bytes text = {0};
	struct tag *tag = NULL;
	int rc = tagging_read(o->store, o->name, &text, &tag, &out->seen, &why);

	if (tag) {
		out->created = tag->created;
		out->is_same = tag->revision == o->manifest->revision &&
			       digest_equal(&tag->manifest, &o->manifest->digest) &&
			       strcmp(tag->name, o->manifest->name) == 0 &&
			       !tag_verify(span_of_bytes(&text), &key);
		tag_free(tag);
	}
	bytes_release(&text);
	if (rc == ERR_ABSENT || rc == ERR_CORRUPT)
		return 0;
	return rc ? trouble_set(t, rc, "%s", why.text) : 0;
}

static int tag_write_new(
	const struct tagging *o, const struct tag_before *before, struct trouble *t)
{
	struct tag tag = {
		.name = o->manifest->name,
		.revision = o->manifest->revision,
		.manifest = o->manifest->digest,
		.created = clock_realtime() / NS_PER_SECOND,
	};
	struct bytes text = {0};
	int rc;

	if (before->created && tag.created <= before->created)
		tag.created = before->created + 1;
	memcpy(tag.tag, o->name, strlen(o->name) + 1);
	rc = tag_encode(&tag, &o->key, 1, &text);
	if (rc)
		trouble_set(
			t, rc, "cannot make the tag \"%s\": %s", o->name, error_text(rc));
	else
		rc = store_write_tag(
			o->store, o->name, span_of_bytes(&text), &before->seen, t);
	bytes_release(&text);
	return rc;
}

int tagging_put(const struct tagging *o, bool *moved, struct trouble *t)
{
	struct tag_before before = {0};
	int rc = tagging_check_name(o->name, t);

	if (!rc)
		rc = tag_before_read(o, &before, t);
	if (!rc && !before.is_same)
		rc = tag_write_new(o, &before, t);
	if (!rc)
		*moved = !before.is_same;
	return rc;
}

static int check_signed(const struct store *s, const struct manifest *m, struct span text,
	const struct private_key *key, struct trouble *t)
{
	struct public_key public = private_key_public(key);
	char spelt[PUBLIC_KEY_TEXT_SIZE];

	if (!manifest_verify(text, &public))
		return 0;
	public_key_to_text(&public, spelt);
	return trouble_set(t, ERR_UNTRUSTED,
		"revision %llu of the store %s is signed by another key than %s, and "
		"readers "
		"would refuse a tag by this one: use the key that signed it (--key)",
		(unsigned long long)m->revision, store_name(s), spelt);
}

/* Revision *number, or the newest; signed by that key. */
static int read_signed(struct store *s, uint64_t number, const struct private_key *key,
	struct manifest **out, struct trouble *t)
{
	struct bytes text = {0};
	struct manifest *m = NULL;
	int rc = number ? store_read_revision(s, number, &text, &m, t)
			: store_read_manifest(s, &text, &m, NULL, t);

	if (rc == ERR_ABSENT && number)
		trouble_set(t, rc, "the store %s has no revision %llu", store_name(s),
			(unsigned long long)number);
	else if (rc == ERR_ABSENT)
		trouble_set(t, rc, "the store %s has no revision yet", store_name(s));
	if (!rc)
		rc = check_signed(s, m, span_of_bytes(&text), key, t);
	bytes_release(&text);
	if (rc)
		manifest_free(m);
	else
		*out = m;
	return rc;
}

int tagging_set(struct store *s, const char *name, uint64_t *revision,
	const struct private_key *key, bool *moved, struct trouble *t)
{
	struct tagging o = {.store = s, .name = name, .key = key};
	struct manifest *newest = NULL, *m = NULL;
	int rc = tagging_check_name(name, t);

	if (!rc)
		rc = read_signed(s, 0, key, &newest, t);
	if (rc)
		return rc;
	if (*revision > newest->revision)
		rc = trouble_set(t, ERR_ABSENT,
			"the store %s has no revision %llu: its newest is %llu",
			store_name(s), (unsigned long long)*revision,
			(unsigned long long)newest->revision);
	/* From revisions/, also the newest: that is where a tag leads. */
	if (!rc)
		rc = read_signed(s, *revision ? *revision : newest->revision, key, &m, t);
	o.manifest = m;
	if (!rc)
		rc = tagging_put(&o, moved, t);
	if (!rc)
		*revision = m->revision;
	manifest_free(newest);
	manifest_free(m);
	return rc;
}

int tagging_remove(struct store *s, const char *name, struct trouble *t)
{
	int rc = tagging_check_name(name, t);

	if (!rc)
		rc = store_remove_tag(s, name, t);
	if (rc == ERR_ABSENT)
		trouble_set(t, rc, "the store %s has no tag \"%s\"", store_name(s), name);
	return rc;
}
