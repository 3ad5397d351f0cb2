/* SPDX-License-Identifier: MIT */
/* public_key_from_text() and private_key_decode() on any text. */
#include <config.h>

#include "fuzz/fuzz_keys.h"

/* One key has one spelling. */
static void spell(const struct public_key *key, struct span text)
{
	char again[PUBLIC_KEY_TEXT_SIZE], name[KEY_NAME_SIZE];

	public_key_to_text(key, again);
	public_key_name(key, name);
	must(span_equal(text, span_of_string(again)));
}

static void public_key_run(const uint8_t *data, size_t size)
{
	static const uint8_t nothing[SIGNATURE_SIZE];
	struct public_key public;
	struct private_key *private;

	if (public_key_from_text(span_of(data, size), &public) == 0) {
		spell(&public, span_of(data, size));
		public_key_verify(&public, span_of(data, size), nothing);
	}
	if (private_key_decode(span_of(data, size), &private) == 0)
		private_key_free(private);
}

static void public_key_samples(fuzz_sample_fn sample, void *ctx)
{
	for (uint8_t seed = 1; seed < 4; seed++) {
		struct private_key *key = fuzz_key(seed);
		struct public_key public = private_key_public(key);
		char text[PUBLIC_KEY_TEXT_SIZE];
		struct bytes pem = {0};

		public_key_to_text(&public, text);
		sample(ctx, span_of_string(text));
		fuzz_key_pem(seed, &pem);
		sample(ctx, span_of_bytes(&pem));
		bytes_release(&pem);
		private_key_free(key);
	}
}

const struct fuzz_target fuzz_public_key = {
	"public_key", public_key_run, public_key_samples};
