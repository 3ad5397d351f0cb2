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
#include "format/page_builder.h"
#include "publish/chunker.h"

/* Keys that the tests sign with. */
struct keys {
	struct private_key *mine, *other;
	struct public_key my_public, other_public;
};

static int set_up(void **state)
{
	struct keys *keys = calloc(1, sizeof(*keys));

	if (private_key_generate(&keys->mine) || private_key_generate(&keys->other))
		return -1;
	keys->my_public = private_key_public(keys->mine);
	keys->other_public = private_key_public(keys->other);
	*state = keys;
	return 0;
}

static int tear_down(void **state)
{
	struct keys *keys = *state;

	private_key_free(keys->mine);
	private_key_free(keys->other);
	free(keys);
	return 0;
}

/* A manifest with every member; borrows constants, never freed. */
static struct manifest example(void)
{
	static char *mirrors[] = {
		"https://b.example/x", "http://c.example/", "file:///srv/x"};

	return (struct manifest){
		.name = "debian/bookworm \xc3\xa4",
		.revision = 42,
		.created = 1795414441,
		.dataset = "0123456789abcdef0123456789abcdef",
		.expires = 1826950441,
		.message = "two\nlines",
		.has_previous = true,
		.previous = digest_of("previous", 8),
		.root = digest_of("root", 4),
		.totals = {.entries = 5,
			.files = 3,
			.bytes = INT64_MAX,
			.objects = 2,
			.stored = 1,
			.xattrs = 4,
			.acls = 3},
		.first = {.count = 2,
			.pages = {digest_of("first", 5), digest_of("second", 6)}},
		.profile = digest_of("profile", 7),
		.profile_size = 7,
		.delta = true,
		.extent_lists = true,
		.mirror_count = 3,
		.mirrors = mirrors,
	};
}

static struct bytes encode(const struct manifest *m, const struct private_key *key)
{
	struct bytes text = {0};

	assert_int_equal(manifest_encode(m, &key, key ? 1 : 0, &text), 0);
	return text;
}

static void assert_same(const struct manifest *a, const struct manifest *b)
{
	assert_string_equal(a->name, b->name);
	assert_int_equal(a->revision, b->revision);
	assert_int_equal(a->created, b->created);
	assert_int_equal(a->expires, b->expires);
	assert_string_equal(a->dataset, b->dataset);
	assert_string_equal(a->message, b->message);
	assert_int_equal(a->has_previous, b->has_previous);
	assert_true(digest_equal(&a->previous, &b->previous));
	assert_true(digest_equal(&a->root, &b->root));
	assert_int_equal(a->first.count, b->first.count);
	for (unsigned i = 0; i < a->first.count; i++)
		assert_true(digest_equal(&a->first.pages[i], &b->first.pages[i]));
	assert_memory_equal(&a->totals, &b->totals, sizeof(a->totals));
	assert_int_equal(a->profile_size, b->profile_size);
	assert_true(digest_equal(&a->profile, &b->profile));
	assert_int_equal(a->delta, b->delta);
	assert_int_equal(a->extent_lists, b->extent_lists);
	assert_int_equal(a->mirror_count, b->mirror_count);
	for (size_t i = 0; i < a->mirror_count; i++)
		assert_string_equal(a->mirrors[i], b->mirrors[i]);
}

static void test_round_trip_of_every_member(void **state)
{
	struct keys *keys = *state;
	struct manifest m = example(), *again;
	struct bytes text = encode(&m, keys->mine);
	struct digest d = digest_of(text.data, text.size);

	assert_int_equal(manifest_decode(span_of_bytes(&text), &again, NULL), 0);
	assert_same(&m, again);
	assert_true(digest_equal(&again->digest, &d));
	assert_int_equal(again->signature_count, 1);
	assert_true(public_key_equal(&again->signatures[0].key, &keys->my_public));
	assert_int_equal(text.data[text.size - 1], '\n');
	manifest_free(again);
	manifest_free(NULL);
	bytes_release(&text);
}

static void test_round_trip_of_the_least(void **state)
{
	struct manifest m = {.name = "x", .revision = 1, .message = ""}, *again;
	struct bytes text = encode(&m, NULL);

	(void)state;
	assert_int_equal(manifest_decode(span_of_bytes(&text), &again, NULL), 0);
	assert_same(&m, again);
	assert_int_equal(again->signature_count, 0);
	assert_null(again->signatures);
	assert_null(again->mirrors);
	manifest_free(again);
	bytes_release(&text);
}

static void test_encoding_is_a_function_of_its_input_and_appends(void **state)
{
	struct keys *keys = *state;
	struct manifest m = example();
	struct bytes a = encode(&m, keys->mine), b = {0};
	const struct private_key *key = keys->mine;

	assert_int_equal(bytes_append_string(&b, "kept"), 0);
	assert_int_equal(manifest_encode(&m, &key, 1, &b), 0);
	assert_true(span_equal(span_of_bytes(&a), span_of(b.data + 4, b.size - 4)));
	bytes_release(&a);
	bytes_release(&b);
}

static void test_no_message_is_an_empty_one(void **state)
{
	struct manifest m = {.name = "x", .revision = 1}, *again;
	struct bytes text = encode(&m, NULL);

	(void)state;
	assert_int_equal(manifest_decode(span_of_bytes(&text), &again, NULL), 0);
	assert_string_equal(again->message, "");
	manifest_free(again);
	bytes_release(&text);
}

static void refuse(struct manifest m)
{
	struct bytes text = {0};

	assert_int_equal(manifest_encode(&m, NULL, 0, &text), ERR_INVALID);
	assert_int_equal(text.size, 0);
	bytes_release(&text);
}

static void test_what_a_reader_would_refuse_is_not_written(void **state)
{
	static char *bad_mirrors[] = {"ftp://x/"};
	struct manifest m;
	char name[MANIFEST_NAME_MAX + 2];

	(void)state;
	m = example(), m.revision = 0, refuse(m);
	m = example(), m.revision = REVISION_MAX + 1, refuse(m);
	m = example(), m.name = "", refuse(m);
	m = example(), m.name = "a\nb", refuse(m);
	m = example(), m.name = "\xff", refuse(m);
	m = example(), m.message = "\xff", refuse(m);
	m = example(), m.expires = -1, refuse(m);
	m = example(), m.totals.bytes = (uint64_t)INT64_MAX + 1, refuse(m);
	m = example(), m.mirrors = bad_mirrors, m.mirror_count = 1, refuse(m);
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	m = example(), m.name = name, refuse(m);
}

static void test_the_parameters_are_the_publishers(void **state)
{
	struct manifest m = example();
	struct bytes text = encode(&m, NULL);
	json_t *document;
	int min, mean, max, large, target, leaf[3], inner[3];
	const char *algorithm;

	(void)state;
	assert_int_equal(json_parse(span_of_bytes(&text), &document, NULL), 0);
	assert_int_equal(
		json_unpack(document,
			"{s:{s:s, s:i, s:i, s:i, s:i}, s:{s:i}, s:{s:[iii], s:[iii]}}",
			"chunking", "algorithm", &algorithm, "min", &min, "mean", &mean,
			"max", &max, "large", &large, "bundling", "target", &target,
			"paging", "leaf", &leaf[0], &leaf[1], &leaf[2], "inner", &inner[0],
			&inner[1], &inner[2]),
		0);
	assert_string_equal(algorithm, "fastcdc-2020");
	assert_int_equal(min, CHUNK_MIN);
	assert_int_equal(mean, CHUNK_MEAN);
	assert_int_equal(max, CHUNK_MAX);
	assert_int_equal(large, LARGE_FILE_MIN);
	assert_int_equal(target, BUNDLE_TARGET);
	assert_int_equal(leaf[0], LEAF_ROWS_MIN);
	assert_int_equal(leaf[1], LEAF_CUT_ONE_IN);
	assert_int_equal(leaf[2], LEAF_ROWS_MAX);
	assert_int_equal(inner[0], INNER_ROWS_MIN);
	assert_int_equal(inner[1], INNER_CUT_ONE_IN);
	assert_int_equal(inner[2], INNER_ROWS_MAX);
	json_decref(document);
	bytes_release(&text);
}

/* The example with one member (or one of `inside` it) set to the JSON in `value`, or
 * taken away when that is NULL. */
static int decode_with(
	const char *inside, const char *member, const char *value, struct trouble *t)
{
	struct manifest m = example(), *again = NULL;
	struct bytes text = encode(&m, NULL);
	json_t *document, *object, *new;
	int rc;

	assert_int_equal(json_parse(span_of_bytes(&text), &document, NULL), 0);
	object = inside ? json_object_get(document, inside) : document;
	if (value) {
		new = json_loads(value, JSON_DECODE_ANY, NULL);
		assert_non_null(new);
		json_object_set_new(object, member, new);
	} else {
		json_object_del(object, member);
	}
	bytes_clear(&text);
	assert_int_equal(json_canonical(document, &text), 0);
	rc = manifest_decode(span_of_bytes(&text), &again, t);
	if (rc)
		assert_null(again);
	manifest_free(again);
	json_decref(document);
	bytes_release(&text);
	return rc;
}

static void test_members_that_lack_are_corrupt(void **state)
{
	static const char *const names[] = {"format", "name", "revision", "created",
		"message", "previous", "root", "first", "totals", "chunking", "bundling",
		"paging", "features", "mirrors", "signatures"};
	struct trouble t;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(decode_with(NULL, names[i], NULL, &t), ERR_CORRUPT);
		assert_non_null(strstr(t.text, names[i]));
	}
	assert_int_equal(decode_with(NULL, "expires", NULL, &t), 0);
	assert_int_equal(decode_with(NULL, "dataset", NULL, &t), 0);
	assert_int_equal(decode_with(NULL, "profile", NULL, &t), 0);
	assert_int_equal(decode_with("totals", "stored", NULL, &t), ERR_CORRUPT);
	assert_int_equal(decode_with("totals", "xattrs", NULL, &t), ERR_CORRUPT);
	assert_int_equal(decode_with("totals", "acls", NULL, &t), ERR_CORRUPT);
	assert_int_equal(decode_with("chunking", "algorithm", NULL, &t), ERR_CORRUPT);
	assert_int_equal(decode_with("chunking", "max", NULL, &t), ERR_CORRUPT);
	assert_int_equal(decode_with("bundling", "target", NULL, &t), ERR_CORRUPT);
	assert_int_equal(decode_with("paging", "inner", NULL, &t), ERR_CORRUPT);
}

/* So many names of pages, as JSON. */
static char *page_names(unsigned count)
{
	char *text = calloc(count + 1, DIGEST_HEX_SIZE + 4), *at = text;
	struct digest d = digest_of("page", 4);
	char hex[DIGEST_HEX_SIZE];

	assert_non_null(text);
	digest_to_hex(&d, hex);
	*at++ = '[';
	for (unsigned i = 0; i < count; i++)
		at += sprintf(at, "%s\"%s\"", i ? "," : "", hex);
	*at = ']';
	return text;
}

static void test_first_pages_are_few(void **state)
{
	char *most = page_names(PAGES_FIRST_MAX), *more = page_names(PAGES_FIRST_MAX + 1);

	(void)state;
	assert_int_equal(decode_with(NULL, "first", "[]", NULL), 0);
	assert_int_equal(decode_with(NULL, "first", most, NULL), 0);
	assert_int_equal(decode_with(NULL, "first", more, NULL), ERR_CORRUPT);
	free(most);
	free(more);
}

static void test_unknown_members_are_corrupt(void **state)
{
	(void)state;
	assert_int_equal(decode_with(NULL, "more", "1", NULL), ERR_CORRUPT);
	assert_int_equal(decode_with("totals", "more", "1", NULL), ERR_CORRUPT);
	assert_int_equal(decode_with("chunking", "more", "1", NULL), ERR_CORRUPT);
	assert_int_equal(decode_with("bundling", "more", "1", NULL), ERR_CORRUPT);
	assert_int_equal(decode_with("paging", "more", "1", NULL), ERR_CORRUPT);
}

static void test_wrong_values_are_corrupt(void **state)
{
	static const struct {
		const char *inside, *member, *value;
	} cases[] = {
		{NULL, "format", "0"},
		{NULL, "format", "\"1\""},
		{NULL, "format", "1.0"},
		{NULL, "format", "-1"},
		{NULL, "name", "\"\""},
		{NULL, "name", "1"},
		{NULL, "name", "\"a\\u001bb\""},
		{NULL, "revision", "0"},
		{NULL, "revision", "-1"},
		{NULL, "revision", "1.5"},
		{NULL, "revision", "9007199254740993"},
		{NULL, "revision", "null"},
		{NULL, "created", "1795414441"},
		{NULL, "created", "\"2026-11-23\""},
		{NULL, "created", "\"2026-02-30T00:00:00Z\""},
		{NULL, "dataset", "null"},
		{NULL, "dataset", "\"\""},
		{NULL, "dataset", "\"0123456789abcdef0123456789abcde\""},
		{NULL, "dataset", "\"0123456789abcdef0123456789abcdef0\""},
		{NULL, "dataset", "\"0123456789abcdef0123456789abcdeF\""},
		{NULL, "profile", "null"},
		{NULL, "profile", "{}"},
		{"profile", "size", "0"},
		{"profile", "size", "1048577"},
		{"profile", "digest", "\"\""},
		{"profile", "more", "1"},
		{NULL, "expires", "null"},
		{NULL, "expires", "\"1970-01-01T00:00:00Z\""},
		{NULL, "expires", "\"1969-12-31T23:59:59Z\""},
		{NULL, "message", "null"},
		{NULL, "previous", "\"\""},
		{NULL, "previous", "\"abc\""},
		{NULL, "root", "null"},
		{NULL, "root", "\"abc\""},
		{NULL, "first", "null"},
		{NULL, "first", "{}"},
		{NULL, "first", "[\"abc\"]"},
		{NULL, "totals", "[]"},
		{"totals", "bytes", "-1"},
		{"totals", "entries", "\"5\""},
		{"totals", "files", "1e3"},
		{NULL, "chunking", "null"},
		{"chunking", "algorithm", "1"},
		{"chunking", "min", "-1"},
		{NULL, "bundling", "1"},
		{"bundling", "target", "\"1\""},
		{NULL, "paging", "[1,2,3]"},
		{"paging", "leaf", "[1,2]"},
		{"paging", "leaf", "[1,2,3,4]"},
		{"paging", "inner", "[1,2,\"3\"]"},
		{"paging", "inner", "{}"},
		{NULL, "features", "{}"},
		{NULL, "features", "[1]"},
		{NULL, "features", "\"delta\""},
		{NULL, "features", "[\"delta\",\"delta\"]"},
		{NULL, "features", "[\"extents\",\"delta\",\"extents\"]"},
		{NULL, "mirrors", "{}"},
		{NULL, "mirrors", "[1]"},
		{NULL, "mirrors", "[\"https://a\",\"\"]"},
		{NULL, "mirrors", "[\"https://\"]"},
		{NULL, "mirrors", "[\"HTTPS://a\"]"},
		{NULL, "mirrors", "[\"ftp://a\"]"},
		{NULL, "mirrors", "[\"/a\"]"},
		{NULL, "mirrors", "[\"https://a b\"]"},
		{NULL, "mirrors", "[\"https://a\\nb\"]"},
		{NULL, "signatures", "{}"},
		{NULL, "signatures", "null"},
		{NULL, "signatures", "[1]"},
		{NULL, "signatures", "[{}]"},
		{NULL, "signatures", "[{\"key\":\"ed25519:x\",\"signature\":\"\"}]"},
	};
	struct trouble t;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(
			decode_with(cases[i].inside, cases[i].member, cases[i].value, &t),
			ERR_CORRUPT);
		assert_int_equal(t.code, ERR_CORRUPT);
		assert_non_null(strstr(
			t.text, cases[i].inside ? cases[i].inside : cases[i].member));
	}
}

static void test_parameters_are_informative(void **state)
{
	(void)state;
	assert_int_equal(decode_with("chunking", "mean", "1", NULL), 0);
	assert_int_equal(decode_with("chunking", "algorithm", "\"other\"", NULL), 0);
	assert_int_equal(decode_with("bundling", "target", "7", NULL), 0);
	assert_int_equal(decode_with("paging", "leaf", "[1,2,3]", NULL), 0);
}

static void test_what_is_newer_is_unsupported(void **state)
{
	struct trouble t;
	struct span text = span_of_string("{\"format\":2,\"anything\":[]}");
	struct manifest *m;

	(void)state;
	assert_int_equal(decode_with(NULL, "format", "2", &t), ERR_UNSUPPORTED);
	assert_non_null(strstr(t.text, "update cairn"));
	assert_int_equal(
		decode_with(NULL, "features", "[\"delta\",\"warp\"]", &t), ERR_UNSUPPORTED);
	assert_non_null(strstr(t.text, "features"));
	/* A newer format may have lost every member that this one needs. */
	assert_int_equal(manifest_decode(text, &m, NULL), ERR_UNSUPPORTED);
}

/* An array of `count` times `item`, as JSON text; the caller frees. */
static char *repeat(size_t count, const char *item)
{
	struct bytes b = {0};
	char *text;

	for (size_t i = 0; i < count; i++) {
		assert_int_equal(bytes_append_string(&b, i ? "," : "["), 0);
		assert_int_equal(bytes_append_string(&b, item), 0);
	}
	assert_int_equal(bytes_append_string(&b, "]"), 0);
	text = span_to_string(span_of_bytes(&b));
	bytes_release(&b);
	return text;
}

static void decode_repeated(
	const char *member, size_t count, const char *item, int expected)
{
	char *value = repeat(count, item);

	assert_int_equal(decode_with(NULL, member, value, NULL), expected);
	free(value);
}

/* A JSON string that begins with `head` and is `size` bytes long; the caller frees. */
static char *long_string(const char *head, size_t size)
{
	char *text = malloc(size + 3);

	memset(text, 'x', size + 2);
	text[0] = text[size + 1] = '"';
	text[size + 2] = '\0';
	memcpy(text + 1, head, strlen(head));
	return text;
}

static void decode_long(const char *member, const char *head, size_t size, int expected)
{
	char *item = long_string(head, size);

	if (strcmp(member, "mirrors") == 0)
		decode_repeated(member, 1, item, expected);
	else
		assert_int_equal(decode_with(NULL, member, item, NULL), expected);
	free(item);
}

static void test_counts_and_lengths_have_caps(void **state)
{
	struct manifest *m;
	char *large;

	(void)state;
	decode_repeated("mirrors", MANIFEST_MIRRORS_MAX, "\"https://a\"", 0);
	decode_repeated("mirrors", MANIFEST_MIRRORS_MAX + 1, "\"https://a\"", ERR_CORRUPT);
	decode_long("mirrors", "https://", MANIFEST_URL_MAX, 0);
	decode_long("mirrors", "https://", MANIFEST_URL_MAX + 1, ERR_CORRUPT);
	decode_long("name", "", MANIFEST_NAME_MAX, 0);
	decode_long("name", "", MANIFEST_NAME_MAX + 1, ERR_CORRUPT);
	decode_long("message", "", MANIFEST_MESSAGE_MAX, 0);
	decode_long("message", "", MANIFEST_MESSAGE_MAX + 1, ERR_CORRUPT);
	assert_int_equal(decode_with(NULL, "revision", "9007199254740992", NULL), 0);
	large = calloc(1, MANIFEST_SIZE_MAX + 1);
	assert_int_equal(manifest_decode(span_of(large, MANIFEST_SIZE_MAX + 1), &m, NULL),
		ERR_LIMIT);
	free(large);
}

static void test_verify_knows_who_signed(void **state)
{
	struct keys *keys = *state;
	const struct private_key *both[] = {keys->other, keys->mine};
	struct manifest m = example();
	struct bytes mine = encode(&m, keys->mine), unsigned_text = encode(&m, NULL),
		     two = {0};

	assert_int_equal(manifest_verify(span_of_bytes(&mine), &keys->my_public), 0);
	assert_int_equal(
		manifest_verify(span_of_bytes(&mine), &keys->other_public), ERR_UNTRUSTED);
	assert_int_equal(manifest_verify(span_of_bytes(&unsigned_text), &keys->my_public),
		ERR_UNTRUSTED);
	assert_int_equal(manifest_encode(&m, both, 2, &two), 0);
	assert_int_equal(manifest_verify(span_of_bytes(&two), &keys->my_public), 0);
	assert_int_equal(manifest_verify(span_of_bytes(&two), &keys->other_public), 0);
	bytes_release(&mine);
	bytes_release(&unsigned_text);
	bytes_release(&two);
}

/* Spacing and order are not signed; every value is. */
static void test_verify_is_over_the_canonical_form(void **state)
{
	struct keys *keys = *state;
	struct manifest m = example();
	struct bytes text = encode(&m, keys->mine);
	json_t *document;
	char *pretty;

	assert_int_equal(json_parse(span_of_bytes(&text), &document, NULL), 0);
	pretty = json_dumps(document, JSON_INDENT(4) | JSON_ENSURE_ASCII);
	assert_int_equal(manifest_verify(span_of_string(pretty), &keys->my_public), 0);
	free(pretty);
	json_object_set_new(document, "revision", json_integer(43));
	pretty = json_dumps(document, 0);
	assert_int_equal(
		manifest_verify(span_of_string(pretty), &keys->my_public), ERR_UNTRUSTED);
	free(pretty);
	json_decref(document);
	bytes_release(&text);
}

static void test_a_signature_under_another_name_is_untrusted(void **state)
{
	struct keys *keys = *state;
	struct manifest m = example();
	struct bytes text = encode(&m, keys->mine);
	char key[PUBLIC_KEY_TEXT_SIZE], *forged;
	json_t *document, *signature;

	assert_int_equal(json_parse(span_of_bytes(&text), &document, NULL), 0);
	signature = json_array_get(json_object_get(document, "signatures"), 0);
	public_key_to_text(&keys->other_public, key);
	json_object_set_new(signature, "key", json_string(key));
	forged = json_dumps(document, 0);
	assert_int_equal(manifest_verify(span_of_string(forged), &keys->other_public),
		ERR_UNTRUSTED);
	assert_int_equal(
		manifest_verify(span_of_string(forged), &keys->my_public), ERR_UNTRUSTED);
	free(forged);
	json_decref(document);
	bytes_release(&text);
}

static void test_every_truncation_is_corrupt(void **state)
{
	struct keys *keys = *state;
	struct manifest m = example(), *again;
	struct bytes text = encode(&m, keys->mine);

	/* Without the newline it is whole. */
	for (size_t size = 0; size < text.size - 1; size++) {
		uint8_t *copy = malloc(size + !size);

		memcpy(copy, text.data, size);
		assert_int_equal(
			manifest_decode(span_of(copy, size), &again, NULL), ERR_CORRUPT);
		assert_int_not_equal(
			manifest_verify(span_of(copy, size), &keys->my_public), 0);
		free(copy);
	}
	bytes_release(&text);
}

/* Whatever one changed bit makes of it: not both readable, signed and different. */
static void test_no_flipped_bit_keeps_the_signature(void **state)
{
	struct keys *keys = *state;
	struct manifest m = example(), *again;
	struct bytes text = encode(&m, keys->mine);

	for (size_t bit = 0; bit < 8 * text.size; bit++) {
		text.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (!manifest_decode(span_of_bytes(&text), &again, NULL)) {
			if (!manifest_verify(span_of_bytes(&text), &keys->my_public))
				assert_same(&m, again);
			manifest_free(again);
		}
		text.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	bytes_release(&text);
}

#define WITH_KEYS(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_KEYS(test_round_trip_of_every_member),
		cmocka_unit_test(test_round_trip_of_the_least),
		WITH_KEYS(test_encoding_is_a_function_of_its_input_and_appends),
		cmocka_unit_test(test_first_pages_are_few),
		cmocka_unit_test(test_no_message_is_an_empty_one),
		cmocka_unit_test(test_what_a_reader_would_refuse_is_not_written),
		cmocka_unit_test(test_the_parameters_are_the_publishers),
		cmocka_unit_test(test_members_that_lack_are_corrupt),
		cmocka_unit_test(test_unknown_members_are_corrupt),
		cmocka_unit_test(test_wrong_values_are_corrupt),
		cmocka_unit_test(test_parameters_are_informative),
		cmocka_unit_test(test_what_is_newer_is_unsupported),
		cmocka_unit_test(test_counts_and_lengths_have_caps),
		WITH_KEYS(test_verify_knows_who_signed),
		WITH_KEYS(test_verify_is_over_the_canonical_form),
		WITH_KEYS(test_a_signature_under_another_name_is_untrusted),
		WITH_KEYS(test_every_truncation_is_corrupt),
		WITH_KEYS(test_no_flipped_bit_keeps_the_signature),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
