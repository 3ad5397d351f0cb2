/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/json_byte_string.h"
#include "publish/revision.h"
#include "publish/tagging.h"
#include "util/clock.h"

int revision_check_options(const struct revision_options *o, struct trouble *t)
{
	for (size_t i = 0; i < o->tag_count; i++)
		if (tagging_check_name(o->tags[i], t))
			return ERR_INVALID;
	if (o->mirror_count > MANIFEST_MIRRORS_MAX)
		return trouble_set(t, ERR_LIMIT, "at most %d mirrors can be given",
			MANIFEST_MIRRORS_MAX);
	for (size_t i = 0; i < o->mirror_count; i++)
		if (strlen(o->mirrors[i]) > MANIFEST_URL_MAX ||
			!json_byte_string_is_text(span_of_string(o->mirrors[i])) ||
			!manifest_is_mirror(span_of_string(o->mirrors[i])))
			return trouble_set(t, ERR_INVALID,
				"'%.200s' cannot be a mirror: give the URL of a store, "
				"https://...",
				o->mirrors[i]);
	if (o->message && strlen(o->message) > MANIFEST_MESSAGE_MAX)
		return trouble_set(t, ERR_LIMIT, "the message is longer than %d bytes",
			MANIFEST_MESSAGE_MAX);
	if (o->message && !json_byte_string_is_text(span_of_string(o->message)))
		return trouble_set(t, ERR_INVALID, "the message is not UTF-8");
	return 0;
}

static int check_key(const struct revision *r, struct trouble *t)
{
	struct public_key key;
	char text[PUBLIC_KEY_TEXT_SIZE];

	if (!r->o.key)
		return 0;
	key = private_key_public(r->o.key);
	if (r->o.new_key || !manifest_verify(span_of_bytes(&r->previous_text), &key))
		return 0;
	public_key_to_text(&key, text);
	return trouble_set(t, ERR_UNTRUSTED,
		"the store %s is signed by another key than %s, and its readers would "
		"refuse this one: use the key of its last revision (--key), or this one "
		"from now on (--new-key) and tell the readers",
		r->o.store, text);
}

/* What the manifest may hold: see document_name(). */
static bool is_name(const char *name)
{
	size_t size = strlen(name);

	for (size_t i = 0; i < size; i++)
		if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
			return false;
	return size > 0 && size <= MANIFEST_NAME_MAX &&
	       json_byte_string_is_text(span_of_string(name));
}

/* The dataset's name: given, the store's, or that of the source. */
static int choose_name(struct revision *r, struct trouble *t)
{
	const char *slash = strrchr(r->o.source, '/');
	const char *name = r->o.name;

	if (r->previous && name && strcmp(name, r->previous->name) != 0)
		return trouble_set(t, ERR_INVALID,
			"the store %s holds the dataset '%s', not '%s': leave the name out "
			"or publish to another store",
			r->o.store, r->previous->name, name);
	if (!name)
		name = r->previous ? r->previous->name : slash + 1;
	if (name[0] == '\0')
		name = r->o.name ? "" : "root";
	if (!is_name(name))
		return trouble_set(t, ERR_INVALID,
			"'%s' cannot be a dataset's name: give one of 1 to %d bytes of "
			"UTF-8 without control characters (--name)",
			name, MANIFEST_NAME_MAX);
	r->name = strdup(name);
	return r->name ? 0 : ERR_NO_MEMORY;
}

int revision_init(struct revision *r, const struct revision_options *o, struct store *store,
	struct trouble *t)
{
	int rc;

	*r = (struct revision){.o = *o, .store = store};
	rc = store_read_manifest(store, &r->previous_text, &r->previous, &r->seen, t);
	if (rc == ERR_ABSENT)
		rc = 0;
	else if (!rc)
		rc = check_key(r, t);
	return rc ? rc : choose_name(r, t);
}

void revision_release(struct revision *r)
{
	manifest_free(r->previous);
	bytes_release(&r->previous_text);
	free(r->name);
	*r = (struct revision){0};
}

static bool are_mirrors_unchanged(const struct revision *r)
{
	const struct manifest *previous = r->previous;

	if (!r->o.mirrors)
		return true;
	if (r->o.mirror_count != previous->mirror_count)
		return false;
	for (size_t i = 0; i < previous->mirror_count; i++)
		if (strcmp(r->o.mirrors[i], previous->mirrors[i]) != 0)
			return false;
	return true;
}

/* A message is reason enough for a revision, and so are another profile, another expiry and
 * other mirrors. */
bool revision_is_unchanged(const struct revision *r, const struct revision_content *content)
{
	const struct manifest *previous = r->previous;

	return previous && !r->o.message && !r->o.new_key &&
	       r->o.expires == previous->expires && are_mirrors_unchanged(r) &&
	       digest_equal(&previous->root, &content->root) &&
	       previous->profile_size == content->profile_size &&
	       (content->profile_size == 0 ||
		       digest_equal(&previous->profile, &content->profile));
}

/* The dataset's random number: the first revision makes it, the others keep it. */
static int name_dataset(
	const struct revision *r, char dataset[MANIFEST_DATASET_SIZE], struct trouble *t)
{
	unsigned char number[(MANIFEST_DATASET_SIZE - 1) / 2];

	if (r->previous) {
		memcpy(dataset, r->previous->dataset, MANIFEST_DATASET_SIZE);
		return 0;
	}
	if (getentropy(number, sizeof number))
		return trouble_errno(t, "no random number for the new dataset");
	for (size_t i = 0; i < sizeof number; i++)
		snprintf(dataset + 2 * i, 3, "%02x", number[i]);
	return 0;
}

static int write_manifest(struct revision *r, uint64_t number,
	const struct revision_content *content, struct bytes *text, struct trouble *t)
{
	struct manifest m = {
		.name = r->name,
		.revision = number,
		.created = r->o.has_created ? r->o.created
					    : clock_realtime() / NS_PER_SECOND,
		.expires = r->o.expires,
		.message = (char *)(uintptr_t)(r->o.message ? r->o.message : ""),
		.has_previous = r->previous != NULL,
		.root = content->root,
		.first = content->first,
		.totals = content->totals,
		.profile = content->profile,
		.profile_size = content->profile_size,
		.delta = content->delta,
		.extent_lists = content->extent_lists,
	};
	int rc;

	if (r->previous) {
		m.previous = r->previous->digest;
		m.mirrors = r->previous->mirrors;
		m.mirror_count = r->previous->mirror_count;
	}
	if (r->o.mirrors) { /* which are only read */
		m.mirrors = (char **)(uintptr_t)r->o.mirrors;
		m.mirror_count = r->o.mirror_count;
	}
	rc = name_dataset(r, m.dataset, t);
	if (!rc)
		rc = manifest_encode(&m, &r->o.key, 1, text);
	return rc ? rc
		  : store_write_manifest(
			    r->store, number, span_of_bytes(text), &r->seen, t);
}

/* `manifest` is the text of revision `number`. The tag is of now, whenever the revision
 * says that it was made: readers do not go back to an older one. */
static int write_tag(struct revision *r, const char *name, uint64_t number,
	struct span manifest, struct trouble *t)
{
	struct manifest m = {
		.name = r->name,
		.revision = number,
		.digest = digest_of(manifest.data, manifest.size),
	};
	struct tagging tagging = {
		.store = r->store, .name = name, .manifest = &m, .key = r->o.key};
	bool moved;

	return tagging_put(&tagging, &moved, t);
}

struct revision_content revision_content_of(const struct manifest *m)
{
	return (struct revision_content){
		.root = m->root,
		.first = m->first,
		.totals = m->totals,
		.profile = m->profile,
		.profile_size = m->profile_size,
		.delta = m->delta,
		.extent_lists = m->extent_lists,
	};
}

static int write_tags(
	struct revision *r, uint64_t number, struct span manifest, struct trouble *t)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < r->o.tag_count; i++)
		rc = write_tag(r, r->o.tags[i], number, manifest, t);
	return rc;
}

int revision_write(struct revision *r, const struct revision_content *content,
	struct revision_result *out, struct trouble *t)
{
	uint64_t before = r->previous ? r->previous->revision : 0;
	struct bytes text = {0};
	int rc;

	if (revision_is_unchanged(r, content)) {
		rc = write_tags(r, before, span_of_bytes(&r->previous_text), t);
		if (!rc)
			*out = (struct revision_result){
				.number = before, .unchanged = true};
		return rc;
	}
	if (before >= REVISION_MAX)
		return trouble_set(t, ERR_LIMIT, "the store has no revisions left");
	rc = write_manifest(r, before + 1, content, &text, t);
	if (!rc)
		rc = write_tags(r, before + 1, span_of_bytes(&text), t);
	if (!rc)
		*out = (struct revision_result){.number = before + 1};
	bytes_release(&text);
	return rc;
}
