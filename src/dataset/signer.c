/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <string.h>

#include "dataset/known_keys.h"
#include "dataset/signer.h"
#include "format/tag.h"

/* Without --trust and without a pinned key. Whoever sits between could give any key over
 * plain http. */
static int choose_first_key(struct signer *s, const struct manifest *m, struct trouble *t)
{
	char key[PUBLIC_KEY_TEXT_SIZE];

	s->key = m->signatures[0].key;
	public_key_to_text(&s->key, key);
	if (strncmp(s->url, "http://", 7) == 0)
		return trouble_set(t, ERR_UNTRUSTED,
			"%s is signed by the key %s, which is not known, and plain http "
			"does not "
			"tell whose it is: ask the publisher, and give --trust %s if it is "
			"theirs",
			s->url, key, key);
	s->pin = true;
	return 0;
}

int signer_choose(struct signer *s, const struct manifest *m, struct trouble *t)
{
	const char *trust = s->trust;
	struct public_key known;
	int rc;

	if (trust && public_key_from_text(span_of_string(trust), &s->key))
		return trouble_set(t, ERR_INVALID,
			"\"%s\" is not a public key: \"ed25519:\" and 43 characters, as "
			"`cairn key` "
			"shows it",
			trust);
	if (trust) {
		/* Remembered, so that it need not be given again; a key that the file has
		 * stays in it. */
		rc = known_keys_lookup(s->known_keys, s->url, &known, NULL);
		s->pin = rc == ERR_ABSENT;
		s->overrules = !rc && !public_key_equal(&known, &s->key);
		return 0;
	}
	rc = known_keys_lookup(s->known_keys, s->url, &s->key, t);
	return rc == ERR_ABSENT ? choose_first_key(s, m, t) : rc;
}

static bool has_signed(const struct manifest *m, const struct public_key *key)
{
	for (size_t i = 0; i < m->signature_count; i++)
		if (public_key_equal(&m->signatures[i].key, key))
			return true;
	return false;
}

/* Another key than expected signed it. */
static int refuse_signer(
	const struct signer *s, const struct manifest *m, struct trouble *t)
{
	char expected[PUBLIC_KEY_TEXT_SIZE], found[PUBLIC_KEY_TEXT_SIZE];

	public_key_to_text(&s->key, expected);
	public_key_to_text(&m->signatures[0].key, found);
	if (s->trust)
		return trouble_set(t, ERR_UNTRUSTED,
			"%s is signed by the key %s, not by %s, which --trust gives",
			s->url, found, expected);
	return trouble_set(t, ERR_UNTRUSTED,
		"%s is signed by the key %s, but %s pins %s to it: someone may be forging "
		"it; if the publisher says that the key has changed, `cairn key forget %s`",
		s->url, found, s->known_keys, expected, s->url);
}

int signer_verify(const struct signer *s, const struct manifest *m, struct span text,
	struct trouble *t)
{
	char key[PUBLIC_KEY_TEXT_SIZE];

	if (!has_signed(m, &s->key))
		return refuse_signer(s, m, t);
	public_key_to_text(&s->key, key);
	if (manifest_verify(text, &s->key))
		return trouble_set(t, ERR_UNTRUSTED,
			"the signature of %s by the key %s is broken: the manifest was "
			"changed after "
			"it was signed; tell the publisher",
			s->url, key);
	return 0;
}

int signer_verify_tag(
	const struct signer *s, const char *tag, struct span text, struct trouble *t)
{
	char key[PUBLIC_KEY_TEXT_SIZE];

	if (tag_verify(text, &s->key) == 0)
		return 0;
	public_key_to_text(&s->key, key);
	return trouble_set(t, ERR_UNTRUSTED,
		"the tag \"%s\" of %s is not signed by the key %s", tag, s->url, key);
}

int signer_pin(struct signer *s, struct log *log, struct trouble *t)
{
	struct trouble why = {0};
	int rc;

	if (!s->pin)
		return 0;
	rc = known_keys_add(s->known_keys, s->url, &s->key, &why);
	if (rc && s->trust) {
		log_warning(log, "--trust counts for this time only: %s", why.text);
		return 0;
	}
	if (rc)
		return trouble_set(t, rc, "%s", why.text);
	s->newly_pinned = !s->trust;
	return 0;
}
