/* SPDX-License-Identifier: MIT */
/* manifest_decode() and manifest_verify() on any text. */
#include <config.h>

#include "format/manifest.h"
#include "fuzz/fuzz_keys.h"

/* What was accepted can be published again, and says the same. */
static void publish_again(const struct manifest *m)
{
	struct bytes text = {0};
	struct manifest *again;

	must(manifest_encode(m, NULL, 0, &text) == 0);
	must(manifest_decode(span_of_bytes(&text), &again, NULL) == 0);
	must(strcmp(m->name, again->name) == 0 && strcmp(m->message, again->message) == 0);
	must(m->revision == again->revision && m->expires == again->expires);
	must(memcmp(&m->totals, &again->totals, sizeof(m->totals)) == 0);
	must(digest_equal(&m->root, &again->root));
	must(m->mirror_count == again->mirror_count && m->delta == again->delta);
	manifest_free(again);
	bytes_release(&text);
}

static void manifest_run(const uint8_t *data, size_t size)
{
	struct manifest *m;
	struct trouble t = {0};
	int rc = manifest_decode(span_of(data, size), &m, &t);

	must(rc <= 0 && (rc == 0 || t.text[0]));
	if (rc)
		return;
	must(m->revision >= 1 && m->revision <= REVISION_MAX);
	for (size_t i = 0; i < m->signature_count; i++)
		manifest_verify(span_of(data, size), &m->signatures[i].key);
	publish_again(m);
	manifest_free(m);
}

static void manifest_samples(fuzz_sample_fn sample, void *ctx)
{
	char *mirrors[] = {(char *)"https://a.example/x", (char *)"file:///srv/x"};
	struct private_key *keys[] = {fuzz_key(1), fuzz_key(2)};
	struct manifest m = {.name = (char *)"data", .revision = 1, .message = (char *)""};
	struct bytes text = {0};

	for (size_t i = 0; i < 3; i++) {
		bytes_clear(&text);
		must(manifest_encode(&m, (const struct private_key **)keys, i, &text) == 0);
		sample(ctx, span_of_bytes(&text));
		m.revision = REVISION_MAX;
		m.created = m.expires = 1795414441;
		m.message = (char *)"two\nlines \xc3\xa4";
		m.has_previous = m.delta = true;
		m.mirrors = mirrors;
		m.mirror_count = 2;
		m.totals = (struct totals){9, 8, INT64_MAX, 7, 6, 5, 4};
	}
	private_key_free(keys[0]);
	private_key_free(keys[1]);
	bytes_release(&text);
}

const struct fuzz_target fuzz_manifest = {"manifest", manifest_run, manifest_samples};
