/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "format/json.h"
#include "format/manifest.h"
#include "format/tag.h"

static struct private_key *generate(void)
{
	struct private_key *k;

	assert_int_equal(private_key_generate(&k), 0);
	return k;
}

static struct tag example(void)
{
	return (struct tag){
		.tag = "v1.0_rc-2",
		.name = "debian",
		.revision = 7,
		.manifest = digest_of("manifest", 8),
		.created = 1795414441,
	};
}

static struct bytes encode(const struct tag *tag, const struct private_key *key)
{
	struct bytes text = {0};

	assert_int_equal(tag_encode(tag, &key, key ? 1 : 0, &text), 0);
	return text;
}

static void test_round_trip(void **state)
{
	struct private_key *key = generate(), *other = generate();
	struct public_key public = private_key_public(key),
			  other_public = private_key_public(other);
	struct tag tag = example(), *again;
	struct bytes text = encode(&tag, key);

	(void)state;
	assert_int_equal(tag_decode(span_of_bytes(&text), &again, NULL), 0);
	assert_string_equal(again->tag, tag.tag);
	assert_string_equal(again->name, tag.name);
	assert_int_equal(again->revision, tag.revision);
	assert_true(digest_equal(&again->manifest, &tag.manifest));
	assert_int_equal(again->created, tag.created);
	assert_int_equal(tag_verify(span_of_bytes(&text), &public), 0);
	assert_int_equal(tag_verify(span_of_bytes(&text), &other_public), ERR_UNTRUSTED);
	tag_free(again);
	tag_free(NULL);
	private_key_free(key);
	private_key_free(other);
	bytes_release(&text);
}

static void test_names(void **state)
{
	static const char *const good[] = {
		"a", "Z9", "_x", "1.2.3", "a-b", "a..b", "latest"};
	static const char *const bad[] = {"", ".", "..", ".a", "-", "-a", "a/b", "a b",
		"a\n", "\xc3\xa4", "a%", "a:b", "a\\b", "a~"};
	char name[TAG_NAME_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(tag_name_check(good[i]), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(tag_name_check(bad[i]), ERR_INVALID);
	memset(name, 'n', sizeof(name));
	name[TAG_NAME_MAX + 1] = '\0';
	assert_int_equal(tag_name_check(name), ERR_INVALID);
	name[TAG_NAME_MAX] = '\0';
	assert_int_equal(tag_name_check(name), 0);
}

static void test_what_a_reader_would_refuse_is_not_written(void **state)
{
	struct tag cases[] = {example(), example(), example(), example()};
	struct bytes text = {0};

	(void)state;
	strcpy(cases[0].tag, "../x");
	cases[1].revision = 0;
	cases[2].name = "";
	cases[3].name = "\xff";
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(tag_encode(&cases[i], NULL, 0, &text), ERR_INVALID);
	assert_int_equal(text.size, 0);
	bytes_release(&text);
}

/* The example with one member set to the JSON in `value`, or taken away (NULL). */
static int decode_with(const char *member, const char *value)
{
	struct tag tag = example(), *again = NULL;
	struct bytes text = encode(&tag, NULL);
	json_t *document;
	int rc;

	assert_int_equal(json_parse(span_of_bytes(&text), &document, NULL), 0);
	if (value)
		json_object_set_new(
			document, member, json_loads(value, JSON_DECODE_ANY, NULL));
	else
		json_object_del(document, member);
	bytes_clear(&text);
	assert_int_equal(json_canonical(document, &text), 0);
	rc = tag_decode(span_of_bytes(&text), &again, NULL);
	if (rc)
		assert_null(again);
	tag_free(again);
	json_decref(document);
	bytes_release(&text);
	return rc;
}

static void test_wrong_members_are_corrupt(void **state)
{
	static const char *const names[] = {
		"format", "tag", "name", "revision", "manifest", "created", "signatures"};
	char name[TAG_NAME_MAX + 4];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(decode_with(names[i], NULL), ERR_CORRUPT);
		assert_int_equal(decode_with(names[i], "null"), ERR_CORRUPT);
		assert_int_equal(decode_with(names[i], "-1"), ERR_CORRUPT);
		assert_int_equal(decode_with(names[i], "{}"), ERR_CORRUPT);
		assert_int_equal(decode_with(names[i], "\"../x\""),
			strcmp(names[i], "name") ? ERR_CORRUPT : 0);
	}
	assert_int_equal(decode_with("more", "1"), ERR_CORRUPT);
	assert_int_equal(decode_with("revision", "0"), ERR_CORRUPT);
	assert_int_equal(decode_with("tag", "\"v2\""), 0);
	assert_int_equal(decode_with("format", "2"), ERR_UNSUPPORTED);
	memset(name, 'n', sizeof(name));
	name[0] = name[TAG_NAME_MAX + 2] = '"';
	name[TAG_NAME_MAX + 3] = '\0';
	assert_int_equal(decode_with("tag", name), ERR_CORRUPT);
	name[TAG_NAME_MAX + 1] = '"';
	name[TAG_NAME_MAX + 2] = '\0';
	assert_int_equal(decode_with("tag", name), 0);
}

static void test_a_manifest_is_no_tag(void **state)
{
	struct manifest m = {.name = "x", .revision = 1}, *no_manifest;
	struct tag tag = example(), *no_tag;
	struct bytes text = {0}, tag_text = encode(&tag, NULL);

	(void)state;
	assert_int_equal(manifest_encode(&m, NULL, 0, &text), 0);
	assert_int_equal(tag_decode(span_of_bytes(&text), &no_tag, NULL), ERR_CORRUPT);
	assert_int_equal(
		manifest_decode(span_of_bytes(&tag_text), &no_manifest, NULL), ERR_CORRUPT);
	bytes_release(&text);
	bytes_release(&tag_text);
}

static void test_truncations_and_flipped_bits(void **state)
{
	struct private_key *key = generate();
	struct public_key public = private_key_public(key);
	struct tag tag = example(), *again;
	struct bytes text = encode(&tag, key);

	(void)state;
	for (size_t size = 0; size < text.size - 1; size++)
		assert_int_equal(
			tag_decode(span_of(text.data, size), &again, NULL), ERR_CORRUPT);
	for (size_t bit = 0; bit < 8 * text.size; bit++) {
		text.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (!tag_decode(span_of_bytes(&text), &again, NULL)) {
			if (!tag_verify(span_of_bytes(&text), &public))
				assert_true(!strcmp(again->tag, tag.tag) &&
					    again->revision == tag.revision &&
					    digest_equal(&again->manifest, &tag.manifest));
			tag_free(again);
		}
		text.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	private_key_free(key);
	bytes_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_what_a_reader_would_refuse_is_not_written),
		cmocka_unit_test(test_wrong_members_are_corrupt),
		cmocka_unit_test(test_a_manifest_is_no_tag),
		cmocka_unit_test(test_truncations_and_flipped_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
