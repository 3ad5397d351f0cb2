/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "format/tag.h"
#include "publish/signers.h"

static bool signers_have(const struct signers *s, const struct public_key *key)
{
	for (size_t i = 0; i < s->count; i++)
		if (public_key_equal(&s->keys[i], key))
			return true;
	return false;
}

int signers_add(struct signers *s, const struct public_key *key)
{
	if (signers_have(s, key))
		return 0;
	if (s->count == SIGNERS_MAX)
		return ERR_LIMIT;
	s->keys[s->count++] = *key;
	return 0;
}

int signers_add_text(struct signers *s, const char *text, struct trouble *t)
{
	struct public_key key;

	if (public_key_from_text(span_of_string(text), &key))
		return trouble_set(t, ERR_INVALID,
			"\"%s\" is not a public key: \"ed25519:\" and 43 characters, as "
			"`cairn key` shows it",
			text);
	return signers_add(s, &key)
		       ? trouble_set(t, ERR_LIMIT, "more than %d keys", SIGNERS_MAX)
		       : 0;
}

int signers_verify(const struct signers *s, const struct manifest *m, struct span text,
	const char *what, struct public_key *out, struct trouble *t)
{
	char key[PUBLIC_KEY_TEXT_SIZE];
	bool broken = false;

	for (size_t i = 0; i < m->signature_count; i++) {
		const struct public_key *k = &m->signatures[i].key;
		int rc = s->count && !signers_have(s, k) ? ERR_ABSENT
							 : manifest_verify(text, k);

		if (!rc)
			*out = *k;
		if (!rc || rc == ERR_NO_MEMORY)
			return rc;
		broken |= rc != ERR_ABSENT;
	}
	if (m->signature_count == 0)
		return trouble_set(t, ERR_UNTRUSTED, "%s is not signed", what);
	public_key_to_text(&m->signatures[0].key, key);
	return trouble_set(t, ERR_UNTRUSTED,
		broken ? "the signature of %s by the key %s is broken: it was changed "
			 "after it was signed"
		       : "%s is signed by the key %s, which is not one that is believed",
		what, key);
}

int signers_verify_tag(
	const struct signers *s, struct span text, const char *what, struct trouble *t)
{
	for (size_t i = 0; i < s->count; i++) {
		int rc = tag_verify(text, &s->keys[i]);

		if (!rc || rc == ERR_NO_MEMORY)
			return rc;
	}
	return trouble_set(
		t, ERR_UNTRUSTED, "%s is not signed by a key that signed a revision", what);
}
