/* SPDX-License-Identifier: MIT */
/* All that is decoded, verified and encoded, without memory: never "corrupt" or "not
 * trusted" for it, and nothing lost. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "format/blob.h"
#include "format/manifest.h"
#include "format/page_json.h"
#include "format/tag.h"
#include "fuzz/fuzz_keys.h"
#include "fuzz/fuzz_pages.h"
#include "unit/starving.h"

struct document {
	struct private_key *key;
	struct manifest manifest;
	struct tag tag;
	struct bytes text, pem;
};

static void document_begin(struct document *d)
{
	static char *mirrors[] = {(char *)"https://a.example/x"};

	*d = (struct document){.key = fuzz_key(1)};
	d->manifest = (struct manifest){.name = (char *)"data",
		.revision = 7,
		.message = (char *)"two words",
		.delta = true,
		.mirrors = mirrors,
		.mirror_count = 1};
	d->tag = (struct tag){.tag = "stable", .name = (char *)"data", .revision = 3};
	fuzz_key_pem(1, &d->pem);
}

static void document_end(struct document *d)
{
	bytes_release(&d->text);
	bytes_release(&d->pem);
	private_key_free(d->key);
}

static int encode_manifest(void *arg)
{
	struct document *d = arg;
	struct bytes text = {0};
	int rc = manifest_encode(
		&d->manifest, (const struct private_key **)&d->key, 1, &text);

	bytes_release(&text);
	return rc;
}

static int decode_manifest(void *arg)
{
	struct document *d = arg;
	struct manifest *m;
	struct trouble t;
	int rc = manifest_decode(span_of_bytes(&d->text), &m, &t);

	if (!rc)
		manifest_free(m);
	return rc;
}

static int verify_manifest(void *arg)
{
	struct document *d = arg;
	struct public_key key = private_key_public(d->key);

	return manifest_verify(span_of_bytes(&d->text), &key);
}

static void test_manifest(void **state)
{
	struct document d;

	(void)state;
	document_begin(&d);
	assert_int_equal(manifest_encode(&d.manifest, (const struct private_key **)&d.key,
				 1, &d.text),
		0);
	starve("decode", decode_manifest, &d);
	starve("verify", verify_manifest, &d);
	starve("encode", encode_manifest, &d);
	document_end(&d);
}

static int decode_tag(void *arg)
{
	struct document *d = arg;
	struct tag *tag;
	struct trouble t;
	int rc = tag_decode(span_of_bytes(&d->text), &tag, &t);

	if (!rc)
		tag_free(tag);
	return rc;
}

static int encode_tag(void *arg)
{
	struct document *d = arg;
	struct bytes text = {0};
	int rc = tag_encode(&d->tag, (const struct private_key **)&d->key, 1, &text);

	bytes_release(&text);
	return rc;
}

static void test_tag(void **state)
{
	struct document d;

	(void)state;
	document_begin(&d);
	assert_int_equal(
		tag_encode(&d.tag, (const struct private_key **)&d.key, 1, &d.text), 0);
	starve("decode", decode_tag, &d);
	starve("encode", encode_tag, &d);
	document_end(&d);
}

static int decode_key(void *arg)
{
	struct document *d = arg;
	struct private_key *key;
	int rc = private_key_decode(span_of_bytes(&d->pem), &key);

	if (!rc)
		private_key_free(key);
	return rc;
}

static void test_key(void **state)
{
	struct document d;

	(void)state;
	document_begin(&d);
	starve("decode", decode_key, &d);
	document_end(&d);
}

static int decode_page(void *arg)
{
	const struct span *text = arg;
	struct bytes packed = {0};
	struct trouble t;
	int rc = page_json_decode(*text, &packed, &t);

	bytes_release(&packed);
	return rc;
}

static void starve_page(void *ctx, struct span text)
{
	unsigned *count = ctx;

	(*count)++;
	if (text.size < 100000)
		starve("page", decode_page, &text);
}

static void test_pages(void **state)
{
	unsigned count = 0;

	(void)state;
	fuzz_page_samples(starve_page, &count, false);
	assert_true(count > 5);
}

struct stored {
	struct span content;
	struct digest name;
	struct bytes text;
};

static int encode_blob(void *arg)
{
	struct stored *s = arg;
	struct blob_codec *codec = blob_codec_new();
	struct bytes out = {0};
	int rc = codec ? blob_encode_delta(codec, s->content, &s->name, s->content, 3, &out)
		       : ERR_NO_MEMORY;

	bytes_release(&out);
	blob_codec_free(codec);
	return rc;
}

static int decode_blob(void *arg)
{
	struct stored *s = arg;
	struct blob_codec *codec = blob_codec_new();
	uint8_t out[5000];
	int rc = codec ? blob_decode(codec, span_of_bytes(&s->text), span_of(NULL, 0),
				 &s->name, out, s->content.size)
		       : ERR_NO_MEMORY;

	blob_codec_free(codec);
	return rc;
}

static void test_blob(void **state)
{
	struct blob_codec *codec = blob_codec_new();
	uint8_t content[5000];
	struct stored s = {.content = span_of(content, sizeof content)};

	(void)state;
	for (size_t i = 0; i < sizeof content; i++)
		content[i] = (uint8_t)(i * i >> 5);
	s.name = digest_of(content, sizeof content);
	assert_non_null(codec);
	assert_int_equal(blob_encode(codec, s.content, 3, &s.text), 0);
	starve("encode", encode_blob, &s);
	starve("decode", decode_blob, &s);
	blob_codec_free(codec);
	bytes_release(&s.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_manifest),
		cmocka_unit_test(test_tag),
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_blob),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
