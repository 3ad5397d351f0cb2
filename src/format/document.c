/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "format/document.h"
#include "util/base64.h"
#include "util/clock.h"

#define SIGNATURE_TEXT_SIZE BASE64_SIZE(SIGNATURE_SIZE)

static int check_format(const json_t *document, const char *what, struct trouble *t)
{
	uint64_t format;

	if (json_get_u64(json_object_get(document, "format"), INT64_MAX, &format) ||
		format < 1)
		return trouble_set(t, ERR_CORRUPT,
			"%s: not a cairn document: its member \"format\" is missing or "
			"wrong",
			what);
	if (format > DOCUMENT_FORMAT)
		return trouble_set(t, ERR_UNSUPPORTED,
			"%s: format %llu is newer than this program knows (%d); update "
			"cairn",
			what, (unsigned long long)format, DOCUMENT_FORMAT);
	return 0;
}

static int read_member(const json_t *value, const char *what,
	const struct document_member *member, void *into, struct trouble *t)
{
	int rc;

	if (!value)
		return trouble_set(
			t, ERR_CORRUPT, "%s: member \"%s\" is missing", what, member->name);
	rc = member->read(value, into);
	switch (rc) {
	case 0:
		return 0;
	case ERR_UNSUPPORTED:
		return trouble_set(t, rc,
			"%s: \"%s\" names something that this program lacks; update cairn",
			what, member->name);
	case ERR_CORRUPT:
		return trouble_set(t, rc, "%s: member \"%s\" is wrong", what, member->name);
	default:
		return trouble_set(t, rc, "%s: %s", what, error_text(rc));
	}
}

static int read_members(const json_t *document, const char *what,
	const struct document_member *member, void *into, struct trouble *t)
{
	size_t known = 1; /* "format" */

	for (; member->name; member++) {
		const json_t *value = json_object_get(document, member->name);
		int rc;

		if (!value && member->optional)
			continue;
		rc = read_member(value, what, member, into, t);
		if (rc)
			return rc;
		known++;
	}
	/* Each key is there once, so as many known ones as there are leaves no others. */
	if (known != json_object_size(document))
		return trouble_set(t, ERR_CORRUPT, "%s: has an unknown member", what);
	return 0;
}

int document_decode(struct span text, const char *what,
	const struct document_member *members, void *into, struct trouble *t)
{
	struct trouble inner;
	json_t *document;
	int rc;

	if (text.size > DOCUMENT_SIZE_MAX)
		return trouble_set(
			t, ERR_LIMIT, "%s: larger than %u bytes", what, DOCUMENT_SIZE_MAX);
	rc = json_parse(text, &document, &inner);
	if (rc)
		return trouble_set(t, rc, "%s: %s", what, inner.text);
	rc = check_format(document, what, t);
	if (!rc)
		rc = read_members(document, what, members, into, t);
	json_decref(document);
	return rc;
}

/* One member of "signatures": new reference or NULL without memory. */
static json_t *sign(const struct private_key *key, struct span message)
{
	struct public_key public = private_key_public(key);
	char key_text[PUBLIC_KEY_TEXT_SIZE], signature_text[SIGNATURE_TEXT_SIZE];
	uint8_t signature[SIGNATURE_SIZE];

	if (private_key_sign(key, message, signature))
		return NULL;
	public_key_to_text(&public, key_text);
	base64_write(span_of(signature, sizeof signature), signature_text);
	return json_pack("{s:s, s:s%}", "key", key_text, "signature", signature_text,
		sizeof signature_text);
}

/* New reference or NULL without memory. */
static json_t *sign_all(
	const json_t *document, const struct private_key *const *keys, size_t key_count)
{
	json_t *signatures = json_array();
	struct bytes message = {0};

	if (json_canonical(document, &message))
		goto fail;
	for (size_t i = 0; i < key_count; i++)
		if (json_array_append_new(
			    signatures, sign(keys[i], span_of_bytes(&message))))
			goto fail;
	bytes_release(&message);
	return signatures;
fail:
	bytes_release(&message);
	json_decref(signatures);
	return NULL;
}

int document_encode(json_t *document, const struct private_key *const *keys,
	size_t key_count, struct bytes *text)
{
	size_t start = text->size;
	int rc;

	json_object_del(document, "signatures");
	if (json_object_set_new(
		    document, "signatures", sign_all(document, keys, key_count)))
		return ERR_NO_MEMORY;
	rc = json_canonical(document, text);
	if (!rc)
		rc = bytes_append_string(text, "\n");
	if (rc)
		text->size = start;
	return rc;
}

static int verify_any(const struct document_signature *signatures, size_t count,
	const struct public_key *key, struct span message)
{
	int rc = ERR_UNTRUSTED;

	for (size_t i = 0; i < count && rc == ERR_UNTRUSTED; i++)
		if (public_key_equal(&signatures[i].key, key))
			rc = public_key_verify(key, message, signatures[i].signature);
	return rc;
}

int document_verify(struct span text, const struct public_key *key)
{
	struct document_signature *signatures = NULL;
	struct bytes message = {0};
	json_t *document;
	size_t count;
	int rc;

	if (text.size > DOCUMENT_SIZE_MAX)
		return ERR_LIMIT;
	rc = json_parse(text, &document, NULL);
	if (rc)
		return rc;
	rc = document_signatures(
		json_object_get(document, "signatures"), &signatures, &count);
	if (rc)
		goto out;
	json_object_del(document, "signatures");
	rc = json_canonical(document, &message);
	if (!rc)
		rc = verify_any(signatures, count, key, span_of_bytes(&message));
out:
	free(signatures);
	bytes_release(&message);
	json_decref(document);
	return rc;
}

int document_name(const json_t *value, char **out)
{
	struct span name;

	if (json_get_string(value, DOCUMENT_NAME_MAX, &name) || name.size == 0)
		return ERR_CORRUPT;
	for (size_t i = 0; i < name.size; i++)
		if (name.data[i] < 0x20 || name.data[i] == 0x7f)
			return ERR_CORRUPT;
	*out = span_to_string(name);
	return *out ? 0 : ERR_NO_MEMORY;
}

int document_revision(const json_t *value, uint64_t *out)
{
	uint64_t revision;

	if (json_get_u64(value, REVISION_MAX, &revision) || revision == 0)
		return ERR_CORRUPT;
	*out = revision;
	return 0;
}

int document_time(const json_t *value, int64_t *out)
{
	if (!json_is_string(value))
		return ERR_CORRUPT;
	return clock_parse(json_string_value(value), out);
}

static int read_signature(const json_t *value, struct document_signature *out)
{
	static const char *const names[] = {"key", "signature", NULL};
	struct bytes plain = {0};
	struct span text;
	int rc;

	if (json_only_members(value, names) ||
		json_get_string(json_object_get(value, "key"), PUBLIC_KEY_TEXT_SIZE, &text))
		return ERR_CORRUPT;
	rc = public_key_from_text(text, &out->key);
	if (rc)
		return rc;
	if (json_get_string(
		    json_object_get(value, "signature"), SIGNATURE_TEXT_SIZE, &text))
		return ERR_CORRUPT;
	rc = base64_decode(text, &plain);
	if (!rc && plain.size != SIGNATURE_SIZE)
		rc = ERR_CORRUPT;
	if (!rc)
		memcpy(out->signature, plain.data, SIGNATURE_SIZE);
	bytes_release(&plain);
	return rc;
}

int document_signatures(const json_t *value, struct document_signature **out, size_t *count)
{
	size_t size = json_array_size(value);
	struct document_signature *signatures = NULL;
	int rc = 0;

	if (!json_is_array(value) || size > DOCUMENT_SIGNATURES_MAX)
		return ERR_CORRUPT;
	if (size) {
		signatures = calloc(size, sizeof *signatures);
		if (!signatures)
			return ERR_NO_MEMORY;
	}
	for (size_t i = 0; i < size && !rc; i++)
		rc = read_signature(json_array_get(value, i), &signatures[i]);
	if (rc) {
		free(signatures);
		return rc;
	}
	*out = signatures;
	*count = size;
	return 0;
}

int document_pack_error(const json_error_t *error)
{
	enum json_error_code code = json_error_code(error);

	return code == json_error_invalid_utf8 ? ERR_INVALID : ERR_NO_MEMORY;
}

const char *document_misfit(struct span text)
{
	size_t at = 0;

	while (at < text.size && text.data[at] && strchr(" \t\r\n", text.data[at]))
		at++;
	if (at == text.size)
		return "empty";
	if (text.data[at] == '{')
		return NULL;
	return text.data[at] == '<' ? "a web page" : "not a JSON document";
}
