/* SPDX-License-Identifier: MIT */
/* tag_decode() and tag_verify() on any text. */
#include <config.h>

#include "format/tag.h"
#include "fuzz/fuzz_keys.h"

static void write_again(const struct tag *tag)
{
	struct bytes text = {0};
	struct tag *again;

	must(tag_name_check(tag->tag) == 0);
	must(tag_encode(tag, NULL, 0, &text) == 0);
	must(tag_decode(span_of_bytes(&text), &again, NULL) == 0);
	must(strcmp(tag->tag, again->tag) == 0 && strcmp(tag->name, again->name) == 0);
	must(tag->revision == again->revision && tag->created == again->created);
	must(digest_equal(&tag->manifest, &again->manifest));
	tag_free(again);
	bytes_release(&text);
}

static void tag_run(const uint8_t *data, size_t size)
{
	static const struct public_key key;
	struct tag *tag;
	struct trouble t = {0};
	int rc = tag_decode(span_of(data, size), &tag, &t);

	must(rc <= 0 && (rc == 0 || t.text[0]));
	must(tag_verify(span_of(data, size), &key) != 0);
	if (rc)
		return;
	write_again(tag);
	tag_free(tag);
}

static void tag_samples(fuzz_sample_fn sample, void *ctx)
{
	struct private_key *key = fuzz_key(1);
	struct tag tag = {.tag = "v1.0", .name = (char *)"data", .revision = 1};
	struct bytes text = {0};

	for (size_t i = 0; i < 2; i++) {
		bytes_clear(&text);
		must(tag_encode(&tag, (const struct private_key *const *)&key, i, &text) ==
			0);
		sample(ctx, span_of_bytes(&text));
		memset(tag.tag, 'x', TAG_NAME_MAX);
		tag.revision = REVISION_MAX;
	}
	private_key_free(key);
	bytes_release(&text);
}

const struct fuzz_target fuzz_tag = {"tag", tag_run, tag_samples};
