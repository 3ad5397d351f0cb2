/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "format/tag.h"
#include "util/clock.h"

/* [A-Za-z0-9._-], whatever the locale. */
static bool is_tag_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_' || c == '-';
}

int tag_name_check(const char *name)
{
	size_t size = strlen(name);

	if (size == 0 || size > TAG_NAME_MAX || name[0] == '.' || name[0] == '-')
		return ERR_INVALID;
	for (; *name; name++)
		if (!is_tag_byte(*name))
			return ERR_INVALID;
	return 0;
}

static int tag_read_tag(const json_t *value, void *into)
{
	struct tag *tag = into;

	if (!json_is_string(value) || tag_name_check(json_string_value(value)))
		return ERR_CORRUPT;
	memcpy(tag->tag, json_string_value(value), json_string_length(value) + 1);
	return 0;
}

static int tag_read_name(const json_t *value, void *into)
{
	return document_name(value, &((struct tag *)into)->name);
}

static int tag_read_revision(const json_t *value, void *into)
{
	return document_revision(value, &((struct tag *)into)->revision);
}

static int tag_read_manifest(const json_t *value, void *into)
{
	return json_get_digest(value, &((struct tag *)into)->manifest);
}

static int tag_read_created(const json_t *value, void *into)
{
	return document_time(value, &((struct tag *)into)->created);
}

/* Only their form counts here: tag_verify() reads them again. */
static int tag_read_signatures(const json_t *value, void *into)
{
	struct document_signature *signatures;
	size_t count;
	int rc = document_signatures(value, &signatures, &count);

	(void)into;
	if (!rc)
		free(signatures);
	return rc;
}

int tag_decode(struct span text, struct tag **out, struct trouble *t)
{
	static const struct document_member members[] = {
		{"tag", false, tag_read_tag},
		{"name", false, tag_read_name},
		{"revision", false, tag_read_revision},
		{"manifest", false, tag_read_manifest},
		{"created", false, tag_read_created},
		{"signatures", false, tag_read_signatures},
		{NULL, false, NULL},
	};
	struct tag *tag = calloc(1, sizeof *tag);
	int rc;

	if (!tag)
		return trouble_set(t, ERR_NO_MEMORY, "tag: out of memory");
	rc = document_decode(text, "tag", members, tag, t);
	if (rc) {
		tag_free(tag);
		return rc;
	}
	*out = tag;
	return 0;
}

void tag_free(struct tag *tag)
{
	if (!tag)
		return;
	free(tag->name);
	free(tag);
}

static int tag_check_readable(struct span text)
{
	struct tag *tag;
	int rc = tag_decode(text, &tag, NULL);

	if (rc)
		return rc == ERR_NO_MEMORY ? rc : ERR_INVALID;
	tag_free(tag);
	return 0;
}

int tag_encode(const struct tag *tag, const struct private_key *const *keys,
	size_t key_count, struct bytes *text)
{
	char created[CLOCK_TEXT_SIZE], manifest[DIGEST_HEX_SIZE];
	size_t start = text->size;
	json_error_t error;
	json_t *document;
	int rc;

	clock_format(tag->created, created);
	digest_to_hex(&tag->manifest, manifest);
	document = json_pack_ex(&error, 0, "{s:i, s:s, s:s, s:I, s:s, s:s}", "format",
		DOCUMENT_FORMAT, "tag", tag->tag, "name", tag->name, "revision",
		(json_int_t)tag->revision, "manifest", manifest, "created", created);
	if (!document)
		return document_pack_error(&error);
	rc = document_encode(document, keys, key_count, text);
	json_decref(document);
	if (!rc)
		rc = tag_check_readable(span_of_part(text, start, text->size - start));
	if (rc)
		text->size = start;
	return rc;
}

int tag_verify(struct span text, const struct public_key *key)
{
	return document_verify(text, key);
}
