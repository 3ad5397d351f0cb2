/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "format/signature.h"
#include "util/digest.h"

/* RFC 8032, 7.1, test 1: the secret key as PKCS#8 PEM, and the signature of an empty
 * message. */
#define RFC_PEM                                                                            \
	"-----BEGIN PRIVATE KEY-----\n"                                                    \
	"MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"               \
	"-----END PRIVATE KEY-----\n"
#define RFC_TEXT "ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"

static const uint8_t rfc_public[PUBLIC_KEY_SIZE] = {0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1,
	0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1, 0x72, 0xf3,
	0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a};
static const uint8_t rfc_signature[SIGNATURE_SIZE] = {0xe5, 0x56, 0x43, 0x00, 0xc3, 0x60,
	0xac, 0x72, 0x90, 0x86, 0xe2, 0xcc, 0x80, 0x6e, 0x82, 0x8a, 0x84, 0x87, 0x7f, 0x1e,
	0xb8, 0xe5, 0xd9, 0x74, 0xd8, 0x73, 0xe0, 0x65, 0x22, 0x49, 0x01, 0x55, 0x5f, 0xb8,
	0x82, 0x15, 0x90, 0xa3, 0x3b, 0xac, 0xc6, 0x1e, 0x39, 0x70, 0x1c, 0xf9, 0xb4, 0x6b,
	0xd2, 0x5b, 0xf5, 0xf0, 0x59, 0x5b, 0xbe, 0x24, 0x65, 0x51, 0x41, 0x43, 0x8e, 0x7a,
	0x10, 0x0b};

static struct private_key *generate(void)
{
	struct private_key *k;

	assert_int_equal(private_key_generate(&k), 0);
	return k;
}

static void test_known_key_and_signature(void **state)
{
	struct private_key *k;
	struct public_key public;
	uint8_t signature[SIGNATURE_SIZE];
	char text[PUBLIC_KEY_TEXT_SIZE];

	(void)state;
	assert_int_equal(private_key_decode(span_of_string(RFC_PEM), &k), 0);
	public = private_key_public(k);
	assert_memory_equal(public.bytes, rfc_public, PUBLIC_KEY_SIZE);
	assert_int_equal(private_key_sign(k, span_of("", 0), signature), 0);
	assert_memory_equal(signature, rfc_signature, SIGNATURE_SIZE);
	assert_int_equal(public_key_verify(&public, span_of(NULL, 0), rfc_signature), 0);
	public_key_to_text(&public, text);
	assert_string_equal(text, RFC_TEXT);
	private_key_free(k);
}

static void test_a_signature_fits_one_key_and_one_message(void **state)
{
	struct private_key *mine = generate(), *other = generate();
	struct public_key my_public = private_key_public(mine);
	struct public_key other_public = private_key_public(other);
	struct span message = span_of_string("a pile of stones");
	uint8_t signature[SIGNATURE_SIZE];

	(void)state;
	assert_false(public_key_equal(&my_public, &other_public));
	assert_true(public_key_equal(&my_public, &my_public));
	assert_int_equal(private_key_sign(mine, message, signature), 0);
	assert_int_equal(public_key_verify(&my_public, message, signature), 0);
	assert_int_equal(
		public_key_verify(&other_public, message, signature), ERR_UNTRUSTED);
	assert_int_equal(
		public_key_verify(&my_public, span_of_string("a pile of stone"), signature),
		ERR_UNTRUSTED);
	assert_int_equal(
		public_key_verify(&my_public, span_of(NULL, 0), signature), ERR_UNTRUSTED);
	for (size_t i = 0; i < SIGNATURE_SIZE; i++) {
		signature[i] ^= 1;
		assert_int_equal(
			public_key_verify(&my_public, message, signature), ERR_UNTRUSTED);
		signature[i] ^= 1;
	}
	private_key_free(mine);
	private_key_free(other);
	private_key_free(NULL);
}

static void test_keys_that_are_no_points_verify_nothing(void **state)
{
	static const uint8_t zeros[SIGNATURE_SIZE];
	struct public_key k;

	(void)state;
	memset(k.bytes, 0xff, sizeof(k.bytes));
	assert_int_equal(
		public_key_verify(&k, span_of("x", 1), rfc_signature), ERR_UNTRUSTED);
	assert_int_equal(public_key_verify(&k, span_of("x", 1), zeros), ERR_UNTRUSTED);
}

static void test_a_private_key_goes_through_pem(void **state)
{
	struct private_key *k = generate(), *again;
	struct public_key public = private_key_public(k), again_public;
	struct bytes pem = {0};

	(void)state;
	assert_int_equal(bytes_append_string(&pem, "# my key\n"), 0);
	assert_int_equal(private_key_encode(k, &pem), 0);
	assert_memory_equal(pem.data, "# my key\n-----BEGIN PRIVATE KEY-----\n", 37);
	assert_int_equal(private_key_decode(span_of_bytes(&pem), &again), 0);
	again_public = private_key_public(again);
	assert_true(public_key_equal(&public, &again_public));
	private_key_free(k);
	private_key_free(again);
	bytes_release(&pem);
}

static void test_other_keys_are_corrupt(void **state)
{
	static const char *const pems[] = {
		"",
		"not a key",
		"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
		/* X25519 */
		"-----BEGIN PRIVATE KEY-----\n"
		"MC4CAQAwBQYDK2VuBCIEIHBzO6qYIQbEpdUzNfGbhYpXt0Fq9ttlvJpCqc0Yb2ph\n"
		"-----END PRIVATE KEY-----\n",
		/* The public half */
		"-----BEGIN PUBLIC KEY-----\n"
		"MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
		"-----END PUBLIC KEY-----\n",
		/* Ed25519 under the passphrase "secret": refused, never asked for */
		"-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
		"MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgXHvUwVCccDQICCAAw\n"
		"DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEM3/5ebYAocK8DOQttIQk2IEQKZF\n"
		"SknbbHPMlJ49XQnPtrxjTZ0MxOFZq7VOUf6pzpUGCkFaRu9uVsEt29llNwyRPdDI\n"
		"QjAwNZphK0KhN8dcf58=\n"
		"-----END ENCRYPTED PRIVATE KEY-----\n",
	};
	struct private_key *k = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(pems) / sizeof(pems[0]); i++) {
		assert_int_equal(
			private_key_decode(span_of_string(pems[i]), &k), ERR_CORRUPT);
		assert_null(k);
	}
}

static void test_a_mangled_pem_never_becomes_the_key(void **state)
{
	char pem[] = RFC_PEM;
	struct private_key *k;

	(void)state;
	/* The last byte is a newline, which is not missed. */
	for (size_t size = 0; size < sizeof(pem) - 2; size++)
		assert_int_equal(private_key_decode(span_of(pem, size), &k), ERR_CORRUPT);
	for (size_t i = 0; i < sizeof(pem) - 2; i++) {
		char before = pem[i];

		pem[i] ^= 4;
		if (!private_key_decode(span_of(pem, sizeof(pem) - 1), &k)) {
			/* Within the armour: a header's version, or 32 bytes of another
			 * key. */
			struct public_key public = private_key_public(k);

			assert_in_range(i, 28, 28 + 64);
			if (i > 28 + 22)
				assert_memory_not_equal(
					public.bytes, rfc_public, PUBLIC_KEY_SIZE);
			private_key_free(k);
		}
		pem[i] = before;
	}
}

static void test_public_keys_have_one_spelling(void **state)
{
	struct public_key k, again;
	char text[PUBLIC_KEY_TEXT_SIZE];

	(void)state;
	memset(k.bytes, 0xfb, sizeof(k.bytes));
	public_key_to_text(&k, text);
	assert_int_equal(strlen(text), 51);
	assert_null(strpbrk(text, "+/="));
	assert_int_equal(public_key_from_text(span_of_string(text), &again), 0);
	assert_true(public_key_equal(&k, &again));
}

static void test_other_spellings_are_corrupt(void **state)
{
	static const char *const texts[] = {
		"",
		"ed25519:",
		"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
		"ED25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
		"ed25518:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
		"ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
		"ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo",
		"ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHUR",
		"ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURp",
		"ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHU=o",
		"ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHUR\n",
		"ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHUR==",
	};
	struct public_key k = {{7}};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(
			public_key_from_text(span_of_string(texts[i]), &k), ERR_CORRUPT);
	assert_int_equal(k.bytes[0], 7);
	assert_int_equal(public_key_from_text(span_of_string(RFC_TEXT), &k), 0);
	assert_memory_equal(k.bytes, rfc_public, PUBLIC_KEY_SIZE);
}

static void test_the_short_name_is_of_the_digest(void **state)
{
	struct digest d = digest_of(rfc_public, sizeof(rfc_public));
	char hex[DIGEST_HEX_SIZE], name[KEY_NAME_SIZE];
	struct public_key k;

	(void)state;
	memcpy(k.bytes, rfc_public, sizeof(k.bytes));
	public_key_name(&k, name);
	digest_to_hex(&d, hex);
	assert_int_equal(strlen(name), 16);
	assert_memory_equal(name, hex, 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_key_and_signature),
		cmocka_unit_test(test_a_signature_fits_one_key_and_one_message),
		cmocka_unit_test(test_keys_that_are_no_points_verify_nothing),
		cmocka_unit_test(test_a_private_key_goes_through_pem),
		cmocka_unit_test(test_other_keys_are_corrupt),
		cmocka_unit_test(test_a_mangled_pem_never_becomes_the_key),
		cmocka_unit_test(test_public_keys_have_one_spelling),
		cmocka_unit_test(test_other_spellings_are_corrupt),
		cmocka_unit_test(test_the_short_name_is_of_the_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
