/* SPDX-License-Identifier: MIT */
/* known_keys and known_datasets: files that their owner may edit, and a full disk cut. */
#include <config.h>

#include <string.h>

#include "dataset/known_datasets.h"
#include "dataset/known_keys.h"
#include "format/manifest.h"
#include "fuzz/fuzz_keys.h"

#define FUZZ_URL "https://a.example/x"

static int look_at_key(void *ctx, struct span url, const struct public_key *key)
{
	(void)ctx, (void)key;
	must(url.size > 0);
	for (size_t i = 0; i < url.size; i++)
		must(!url.data[i] || !strchr(" \t\r\n", url.data[i]));
	return 0;
}

/* Whatever else stands there: what is added is found, what is removed is not. */
static void known_keys_run(const uint8_t *data, size_t size)
{
	const char *path = fuzz_file_of("known_keys", data, size);
	static const struct public_key key = {.bytes = {1}};
	struct trouble t = {0};
	struct public_key found;
	int rc = known_keys_lookup(path, FUZZ_URL, &found, &t);

	must(rc <= 0);
	known_keys_each(path, look_at_key, NULL, &t);
	if (rc == ERR_ABSENT) {
		must(known_keys_add(path, FUZZ_URL, &key, &t) == 0);
		must(known_keys_lookup(path, FUZZ_URL, &found, &t) == 0);
		must(public_key_equal(&found, &key));
	}
	must(known_keys_remove(path, FUZZ_URL, &t) == 0);
	must(known_keys_lookup(path, FUZZ_URL, &found, &t) == ERR_ABSENT);
}

static void known_keys_samples(fuzz_sample_fn sample, void *ctx)
{
	struct private_key *key = fuzz_key(1);
	struct public_key public = private_key_public(key);
	char text[PUBLIC_KEY_TEXT_SIZE], file[400];

	public_key_to_text(&public, text);
	private_key_free(key);
	snprintf(file, sizeof file, "# mine\n%s %s\r\nfile:///srv/x\t%s\n\n", FUZZ_URL,
		text, text);
	sample(ctx, span_of_string(file));
	sample(ctx, span_of_string(FUZZ_URL " nothing"));
	sample(ctx, span_of_string(""));
}

const struct fuzz_target fuzz_known_keys = {
	"known_keys", known_keys_run, known_keys_samples};

/* Never lower than what was said before. */
static void check_noted(const char *keys, const struct accepted *a, uint64_t before)
{
	struct known_datasets k;
	struct trouble t = {0};
	uint64_t revision;
	struct digest id;
	int64_t created;

	must(known_datasets_load(keys, &k, &t) == 0);
	must(known_datasets_revision(&k, &a->id, &revision, &t) == 0);
	must(revision == (before > a->revision ? before : a->revision));
	must(known_datasets_by_url(&k, a->url, &id, &t) == 0);
	must(digest_equal(&id, &a->id));
	must(known_datasets_tag(&k, &a->id, a->tag, &created, &t) == 0);
	must(created >= a->tag_created);
	known_datasets_release(&k);
}

static void known_datasets_run(const uint8_t *data, size_t size)
{
	struct accepted a = {FUZZ_URL, digest_of("x", 1), 5, "v1", 7};
	struct trouble t = {0};
	struct known_datasets k;
	uint64_t before = 0;
	char keys[160];
	int rc;

	fuzz_file_of("known_datasets", data, size);
	snprintf(keys, sizeof keys, "%s", fuzz_path_of("known_keys"));
	must(known_datasets_load(keys, &k, &t) == 0);
	rc = known_datasets_revision(&k, &a.id, &before, &t);
	must(rc == 0 || rc == ERR_ABSENT || (rc == ERR_CORRUPT && t.text[0]));
	must(before <= REVISION_MAX);
	known_datasets_release(&k);
	if (known_datasets_note(keys, &a, &t) == 0)
		check_noted(keys, &a, before);
	known_datasets_forget(keys, FUZZ_URL, &t);
}

static void known_datasets_samples(fuzz_sample_fn sample, void *ctx)
{
	struct digest id = digest_of("x", 1);
	char hex[DIGEST_HEX_SIZE], file[600];

	digest_to_hex(&id, hex);
	snprintf(file, sizeof file,
		"# mine\nurl " FUZZ_URL " %s\ndataset %s 9\ntag %s v1 1795414441\n", hex,
		hex, hex);
	sample(ctx, span_of_string(file));
	sample(ctx, span_of_string(""));
}

const struct fuzz_target fuzz_known_datasets = {
	"known_datasets", known_datasets_run, known_datasets_samples};
