/* SPDX-License-Identifier: MIT */
#include "unit/await.h"
#include "unit/gate_server.h"

#include "unit/dataset_fixture.h"

#include "cache/dataset_state.h"
#include "format/tag.h"
#include "dataset/dataset.h"
#include "dataset/known_datasets.h"
#include "dataset/known_keys.h"
#include "net/mirrors.h"
#include "net/serve.h"

static void new_key(struct fixture *f)
{
	private_key_free(f->store.key);
	assert_int_equal(private_key_generate(&f->store.key), 0);
}

static int page_of_root(struct attempt *a, void *arg)
{
	struct page page;

	return attempt_page(a, arg, &page);
}

static void the_first_time_pins(void **state)
{
	struct public_key key;
	struct fixture f;

	(void)state;
	setup(&f);
	put_revision(&f, 1);
	assert_int_equal(open_it(&f), 0);
	assert_true(f.dataset->newly_pinned);
	assert_false(f.dataset->from_cache);
	assert_string_equal(f.dataset->url, f.store.url);
	assert_int_equal(f.dataset->manifest->revision, 1);
	assert_int_equal(f.t.text[0], '\0');
	assert_int_equal(known_keys_lookup(f.known_keys, f.store.url, &key, NULL), 0);
	assert_true(public_key_equal(&key, &f.dataset->key));
	assert_int_equal(source_run(f.dataset->source, page_of_root,
				 &f.dataset->manifest->root, 0, FETCH_DEMAND, NULL),
		0);
	put_revision(&f, 2);
	assert_int_equal(open_it(&f), 0);
	assert_false(f.dataset->newly_pinned);
	assert_int_equal(f.dataset->manifest->revision, 2);
	teardown(&f);
}

static void a_path_will_do(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	put_revision(&f, 1);
	f.options.url = f.store.directory;
	assert_int_equal(open_it(&f), 0);
	assert_string_equal(f.dataset->url, f.store.url);
	f.options.url = "not-a-url";
	assert_int_equal(open_it(&f), ERR_INVALID);
	check_says(&f, "not-a-url");
	teardown(&f);
}

static void another_key_is_refused(void **state)
{
	char before[PUBLIC_KEY_TEXT_SIZE], after[PUBLIC_KEY_TEXT_SIZE];
	struct public_key key;
	struct fixture f;

	(void)state;
	setup(&f);
	put_revision(&f, 1);
	assert_int_equal(open_it(&f), 0);
	public_key_to_text(&f.dataset->key, before);
	new_key(&f);
	key = private_key_public(f.store.key);
	public_key_to_text(&key, after);
	put_revision(&f, 2);
	assert_int_equal(open_it(&f), ERR_UNTRUSTED);
	check_says(&f, before);
	check_says(&f, after);
	check_says(&f, f.known_keys);
	check_says(&f, "cairn key forget");
	teardown(&f);
}

static void a_broken_signature_is_refused(void **state)
{
	struct bytes text = {0};
	struct fixture f;
	uint8_t *at;

	(void)state;
	setup(&f);
	put_revision(&f, 1);
	store_read(&f.store, "manifest.json", &text);
	at = memmem(text.data, text.size, "sample", 6);
	assert_non_null(at);
	at[0] = 'S';
	store_write(&f.store, "manifest.json", span_of_bytes(&text));
	assert_int_equal(open_it(&f), ERR_UNTRUSTED);
	check_says(&f, "broken");
	/* Nothing was pinned. */
	assert_int_not_equal(access(f.known_keys, F_OK), 0);
	bytes_release(&text);
	teardown(&f);
}

static void trust_given_is_what_counts(void **state)
{
	char right[PUBLIC_KEY_TEXT_SIZE], wrong[PUBLIC_KEY_TEXT_SIZE];
	struct public_key key, known;
	struct fixture f;

	(void)state;
	setup(&f);
	put_revision(&f, 1);
	key = private_key_public(f.store.key);
	public_key_to_text(&key, right);
	f.options.trust = right;
	assert_int_equal(open_it(&f), 0);
	assert_false(f.dataset->newly_pinned);
	/* It is remembered, and a key that is remembered stays. */
	assert_int_equal(known_keys_lookup(f.known_keys, f.store.url, &known, NULL), 0);
	assert_true(public_key_equal(&known, &key));
	key.bytes[0] ^= 1;
	public_key_to_text(&key, wrong);
	f.options.trust = wrong;
	assert_int_equal(open_it(&f), ERR_UNTRUSTED);
	check_says(&f, "--trust");
	check_says(&f, right);
	f.options.trust = "ed25519:nonsense";
	assert_int_equal(open_it(&f), ERR_INVALID);
	check_says(&f, "nonsense");
	teardown(&f);
}

/* What a stale cache on the way gives does not stop who has the newest that was seen. */
static void an_older_revision_gives_way_to_the_last_accepted(void **state)
{
	struct dataset_record seen;
	struct fixture f;

	(void)state;
	setup(&f);
	put_revision(&f, 1);
	put_revision(&f, 5);
	assert_int_equal(open_it(&f), 0);
	put_revision(&f, 4);
	assert_int_equal(open_it(&f), 0);
	assert_int_equal(f.dataset->manifest->revision, 5);
	assert_true(f.dataset->is_outdated);
	assert_false(f.dataset->from_cache);
	assert_true(reader_logged(&f.reader, "offers revision 4 as the newest"));
	assert_true(reader_logged(&f.reader, "going on with revision 5"));
	/* By number it may be had, and that changes nothing. */
	f.options.revision = 4;
	assert_int_equal(open_it(&f), 0);
	f.options.revision = 1;
	assert_int_equal(open_it(&f), 0);
	assert_int_equal(f.dataset->manifest->revision, 1);
	assert_int_equal(cache_dataset_load(f.reader.cache, &f.dataset->id, &seen), 0);
	assert_int_equal(seen.revision, 5);
	dataset_record_release(&seen);
	f.options.revision = 0;
	assert_int_equal(open_it(&f), 0);
	assert_int_equal(f.dataset->manifest->revision, 5);
	put_revision(&f, 6);
	assert_int_equal(open_it(&f), 0);
	assert_int_equal(f.dataset->manifest->revision, 6);
	assert_false(f.dataset->is_outdated);
	teardown(&f);
}

static uint64_t noted_revision(struct fixture *f, const struct digest *id)
{
	struct known_datasets k;
	uint64_t revision = 0;

	assert_int_equal(known_datasets_load(f->known_keys, &k, NULL), 0);
	if (known_datasets_revision(&k, id, &revision, NULL))
		revision = UINT64_MAX;
	known_datasets_release(&k);
	return revision;
}

static void what_was_seen_outlives_the_cache(void **state)
{
	struct small_reader first;
	struct fixture f;

	(void)state;
	setup(&f);
	put_revision(&f, 5);
	assert_int_equal(open_it(&f), 0);
	assert_int_equal(noted_revision(&f, &f.dataset->id), 5);
	close_dataset(&f);
	/* Another cache, with the same known keys. */
	first = f.reader;
	reader_init(&f.reader, false);
	put_revision(&f, 4);
	assert_int_equal(open_it(&f), ERR_ROLLBACK);
	check_says(&f, "out of date");
	check_says(&f, "revision 4");
	check_says(&f, "revision 5");
	reader_release(&first);
	teardown(&f);
}

static void put_another(struct fixture *f, uint64_t revision)
{
	struct manifest m = manifest_of(f, revision);

	m.name = (char *)"elsewhere";
	put_manifest(f, &m, true);
}

/* The key is the same, so only what is known of the URL tells. */
static void another_dataset_is_refused(void **state)
{
	struct small_reader first;
	struct digest id, known;
	struct fixture f;

	(void)state;
	setup(&f);
	put_revision(&f, 5);
	assert_int_equal(open_it(&f), 0);
	id = f.dataset->id;
	put_another(&f, 7);
	for (int i = 0; i < 2; i++) { /* one answer is not remembered */
		assert_int_equal(open_it(&f), ERR_UNTRUSTED);
		check_says(&f, "holds another dataset now, elsewhere; it held sample");
		check_says(&f, "cairn key accept");
	}
	f.options.revision = 7;
	assert_int_equal(open_it(&f), ERR_UNTRUSTED);
	f.options.revision = 0;
	/* Nor does it need the cache. */
	first = f.reader;
	reader_init(&f.reader, false);
	assert_int_equal(open_it(&f), ERR_UNTRUSTED);
	check_says(&f, "holds another dataset now, elsewhere, than before");
	reader_release(&f.reader);
	f.reader = first;
	/* Until people say so; then that one counts, and the other is refused. */
	assert_int_equal(known_datasets_accept(f.known_keys, f.store.url, &known, NULL), 0);
	assert_true(digest_equal(&known, &id));
	assert_int_equal(open_it(&f), 0);
	assert_true(reader_logged(&f.reader, "holds another dataset now, elsewhere"));
	put_revision(&f, 6);
	assert_int_equal(open_it(&f), ERR_UNTRUSTED);
	assert_int_equal(noted_revision(&f, &id), 5);
	teardown(&f);
}

/* By its key it is another dataset, and --trust is for this time. */
static void trust_overrules_for_once(void **state)
{
	char text[PUBLIC_KEY_TEXT_SIZE];
	struct private_key *pinned, *other;
	struct public_key public;
	struct fixture f;

	(void)state;
	setup(&f);
	put_revision(&f, 5);
	assert_int_equal(open_it(&f), 0);
	pinned = f.store.key;
	assert_int_equal(private_key_generate(&other), 0);
	f.store.key = other;
	put_revision(&f, 5);
	public = private_key_public(other);
	public_key_to_text(&public, text);
	f.options.trust = text;
	assert_int_equal(open_it(&f), 0);
	f.options.trust = NULL;
	f.store.key = pinned;
	put_revision(&f, 6);
	assert_int_equal(open_it(&f), 0);
	private_key_free(other);
	teardown(&f);
}

/* Without its server, a cache does not bring back what was given up elsewhere. */
static void a_cache_has_another_dataset(void **state)
{
	struct small_reader first;
	struct digest known;
	struct fixture f;

	(void)state;
	setup(&f);
	put_revision(&f, 5);
	assert_int_equal(open_it(&f), 0);
	close_dataset(&f);
	first = f.reader;
	reader_init(&f.reader, false);
	put_another(&f, 1);
	assert_int_equal(known_datasets_accept(f.known_keys, f.store.url, &known, NULL), 0);
	assert_int_equal(open_it(&f), 0);
	close_dataset(&f);
	reader_release(&f.reader);
	f.reader = first;
	f.options.offline = true;
	assert_int_equal(open_it(&f), ERR_UNTRUSTED);
	check_says(&f, "what the cache has of it is another dataset");
	teardown(&f);
}

/* A cache that an older program has written, and knows better than the file. */
static void what_a_cache_knows_is_taken_over(void **state)
{
	char file[PATH_SIZE_MAX + 64];
	struct digest id;
	struct fixture f;

	(void)state;
	setup(&f);
	snprintf(file, sizeof file, "%s/known_datasets", f.reader.directory);
	put_revision(&f, 5);
	assert_int_equal(open_it(&f), 0);
	id = f.dataset->id;
	assert_int_equal(unlink(file), 0);
	put_revision(&f, 4);
	assert_int_equal(open_it(&f), 0);
	assert_int_equal(f.dataset->manifest->revision, 5);
	assert_int_equal(unlink(file), 0);
	put_revision(&f, 5);
	f.options.offline = true;
	assert_int_equal(open_it(&f), 0);
	assert_int_equal(noted_revision(&f, &id), 5);
	f.options.offline = false;
	/* Forgotten is not unknown: the cache does not say it again. */
	assert_int_equal(known_datasets_forget(f.known_keys, f.store.url, NULL), 0);
	put_revision(&f, 3);
	assert_int_equal(open_it(&f), 0);
	assert_int_equal(open_it(&f), 0);
	assert_int_equal(noted_revision(&f, &id), 3);
	put_revision(&f, 2);
	assert_int_equal(open_it(&f), 0);
	assert_int_equal(f.dataset->manifest->revision, 3);
	teardown(&f);
}

/* What cannot be read is no reason to forget, and it is said where it is. */
static void unreadable_is_not_forgotten(void **state)
{
	char file[PATH_SIZE_MAX + 64];
	struct fixture f;

	(void)state;
	setup(&f);
	snprintf(file, sizeof file, "%s/known_datasets", f.reader.directory);
	put_revision(&f, 5);
	assert_int_equal(open_it(&f), 0);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(mkdir(file, 0700), 0);
	put_revision(&f, 6);
	assert_int_not_equal(open_it(&f), 0);
	check_says(&f, file);
	teardown(&f);
}

static void without_a_place_the_cache_knows(void **state)
{
	char key[PUBLIC_KEY_TEXT_SIZE];
	struct public_key public;
	struct fixture f;

	(void)state;
	setup(&f);
	public = private_key_public(f.store.key);
	public_key_to_text(&public, key);
	f.options.trust = key;
	/* Nobody can make that directory, not even root. */
	f.options.known_keys = "/proc/cairn/known_keys";
	put_revision(&f, 5);
	assert_int_equal(open_it(&f), 0);
	assert_true(reader_logged(&f.reader, "is noted in the cache only"));
	put_revision(&f, 4);
	assert_int_equal(open_it(&f), 0);
	assert_int_equal(f.dataset->manifest->revision, 5);
	teardown(&f);
}

static void tags_are_remembered(void **state)
{
	struct known_datasets k;
	int64_t created = 0;
	struct fixture f;

	(void)state;
	setup(&f);
	put_revision(&f, 1);
	put_tag(&f, "stable", "stable", "sample", 1);
	f.options.tag = "stable";
	assert_int_equal(open_it(&f), 0);
	assert_int_equal(known_datasets_load(f.known_keys, &k, NULL), 0);
	assert_int_equal(
		known_datasets_tag(&k, &f.dataset->id, "stable", &created, NULL), 0);
	assert_true(created > 0);
	assert_int_equal(
		known_datasets_tag(&k, &f.dataset->id, "stab", &created, NULL), ERR_ABSENT);
	known_datasets_release(&k);
	/* A tag says nothing of what is newest. */
	assert_true(noted_revision(&f, &f.dataset->id) == UINT64_MAX);
	teardown(&f);
}

/* It may be put on an older revision, but an older tag is none. */
static void a_tag_is_not_put_back(void **state)
{
	struct small_reader first;
	struct fixture f;

	(void)state;
	setup(&f);
	put_revision(&f, 1);
	put_revision(&f, 2);
	f.tag_created = 1700000500;
	put_tag(&f, "stable", "stable", "sample", 2);
	f.options.tag = "stable";
	assert_int_equal(open_it(&f), 0);
	f.tag_created = 1700000400;
	put_tag(&f, "stable", "stable", "sample", 1);
	/* what it was on last goes on; without that it is refused */
	assert_int_equal(open_it(&f), 0);
	assert_true(f.dataset->is_outdated);
	assert_int_equal(f.dataset->manifest->revision, 2);
	assert_true(reader_logged(&f.reader, "going on with revision 2"));
	close_dataset(&f);
	first = f.reader;
	reader_init(&f.reader, false);
	assert_int_equal(open_it(&f), ERR_ROLLBACK);
	check_says(&f, "out of date");
	check_says(&f, "--revision 1");
	f.tag_created = 1700000600;
	put_tag(&f, "stable", "stable", "sample", 1);
	assert_int_equal(open_it(&f), 0);
	assert_int_equal(f.dataset->manifest->revision, 1);
	/* another one has its own time */
	f.tag_created = 1700000100;
	put_tag(&f, "stab", "stab", "sample", 2);
	f.options.tag = "stab";
	assert_int_equal(open_it(&f), 0);
	reader_release(&first);
	teardown(&f);
}

/* Each has a manifest of its own, and one of them is behind. */
static void other_mirrors_are_asked(void **state)
{
	struct gate_server *behind, *ahead;
	struct public_key key;
	char *mirrors[1];
	struct manifest m;
	struct fixture f;
	struct fixture old;

	(void)state;
	setup(&f);
	setup(&old);
	ahead = gate_new(f.store.directory);
	behind = gate_new(old.store.directory);
	mirrors[0] = ahead->url;
	for (uint64_t revision = 1; revision <= 3; revision++) {
		m = manifest_of(&f, revision);
		m.mirrors = mirrors;
		m.mirror_count = 1;
		put_manifest(&f, &m, true);
		if (revision == 1) {
			private_key_free(old.store.key);
			old.store.key = f.store.key;
			put_manifest(&old, &m, true);
			old.store.key = NULL;
		}
		if (revision == 2) {
			key = private_key_public(f.store.key);
			known_keys_add(f.known_keys, behind->url, &key, NULL);
			known_keys_add(f.known_keys, ahead->url, &key, NULL);
			f.options.url = ahead->url;
			assert_int_equal(open_it(&f), 0);
		}
	}
	f.options.url = behind->url;
	assert_int_equal(open_it(&f), 0);
	assert_int_equal(f.dataset->manifest->revision, 3);
	assert_false(f.dataset->is_outdated);
	/* when there is none that knows better, what was accepted stays */
	gate_set_status(ahead, 503);
	f.options.deadline_ns = NS_PER_SECOND;
	assert_int_equal(open_it(&f), 0);
	assert_int_equal(f.dataset->manifest->revision, 3);
	close_dataset(&f);
	gate_free(behind);
	gate_free(ahead);
	teardown(&old);
	teardown(&f);
}

static void an_expired_revision_is_refused(void **state)
{
	struct manifest m;
	struct fixture f;

	(void)state;
	setup(&f);
	m = manifest_of(&f, 1);
	m.expires = clock_realtime() / NS_PER_SECOND + 1000;
	put_manifest(&f, &m, true);
	assert_int_equal(open_it(&f), 0);
	m.revision = 2;
	m.expires = 1700000001;
	put_manifest(&f, &m, true);
	assert_int_equal(open_it(&f), ERR_EXPIRED);
	check_says(&f, "2023-11-14T22:13:21Z");
	f.options.revision = 2;
	assert_int_equal(open_it(&f), 0);
	/* by a tag as well */
	f.options.revision = 0;
	put_tag(&f, "stable", "stable", "sample", 2);
	f.options.tag = "stable";
	assert_int_equal(open_it(&f), ERR_EXPIRED);
	teardown(&f);
}

static void a_revision_is_the_one_asked_for(void **state)
{
	struct bytes text = {0};
	struct fixture f;

	(void)state;
	setup(&f);
	put_revision(&f, 1);
	put_revision(&f, 2);
	f.options.revision = 3;
	assert_int_equal(open_it(&f), ERR_ABSENT);
	check_says(&f, "no revision 3");
	store_read(&f.store, "revisions/1.json", &text);
	store_write(&f.store, "revisions/3.json", span_of_bytes(&text));
	assert_int_equal(open_it(&f), ERR_CORRUPT);
	check_says(&f, "revision 1 when 3");
	bytes_release(&text);
	teardown(&f);
}

static void tags_lead_to_revisions(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	put_revision(&f, 1);
	put_revision(&f, 2);
	put_tag(&f, "stable", "stable", "sample", 1);
	f.options.tag = "stable";
	assert_int_equal(open_it(&f), 0);
	assert_int_equal(f.dataset->manifest->revision, 1);
	f.options.tag = "unstable";
	assert_int_equal(open_it(&f), ERR_ABSENT);
	check_says(&f, "unstable");
	f.options.tag = "../manifest";
	assert_int_equal(open_it(&f), ERR_INVALID);
	/* A tag in the place of another, or of another dataset. */
	put_tag(&f, "unstable", "stable", "sample", 1);
	f.options.tag = "unstable";
	assert_int_equal(open_it(&f), ERR_CORRUPT);
	put_tag(&f, "unstable", "unstable", "other", 1);
	assert_int_equal(open_it(&f), ERR_CORRUPT);
	check_says(&f, "other");
	teardown(&f);
}

static void tags_bind_the_manifest(void **state)
{
	struct manifest m;
	struct fixture f;

	(void)state;
	setup(&f);
	put_revision(&f, 1);
	put_tag(&f, "stable", "stable", "sample", 1);
	f.options.tag = "stable";
	assert_int_equal(open_it(&f), 0);
	m = manifest_of(&f, 1);
	m.message = (char *)"another one";
	put_manifest(&f, &m, true);
	assert_int_equal(open_it(&f), ERR_CORRUPT);
	check_says(&f, "stable");
	/* A tag signed by somebody else is worth nothing. */
	put_revision(&f, 1);
	struct private_key *right = f.store.key;
	assert_int_equal(private_key_generate(&f.store.key), 0);
	put_tag(&f, "stable", "stable", "sample", 1);
	assert_int_equal(open_it(&f), ERR_UNTRUSTED);
	check_says(&f, "stable");
	private_key_free(f.store.key);
	f.store.key = right;
	teardown(&f);
}

static void what_is_no_store_is_named_so(void **state)
{
	static const struct {
		const char *text, *words;
	} answers[] = {
		{"", "empty"},
		{"  \n", "empty"},
		{"<!DOCTYPE html><html></html>", "a web page"},
		{"hello", "not a JSON document"},
	};
	struct fixture f;

	(void)state;
	setup(&f);
	assert_int_equal(open_it(&f), ERR_ABSENT);
	check_says(&f, "no store at file://");
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		store_write(&f.store, "manifest.json", span_of_string(answers[i].text));
		assert_int_equal(open_it(&f), ERR_CORRUPT);
		check_says(&f, "it is not a cairn store");
		check_says(&f, answers[i].words);
	}
	teardown(&f);
}

static void a_huge_manifest_is_broken_off(void **state)
{
	struct bytes text = {0};
	struct fixture f;

	(void)state;
	setup(&f);
	assert_int_equal(bytes_reserve(&text, 2 * MANIFEST_SIZE_MAX), 0);
	memset(text.data, '{', 2 * MANIFEST_SIZE_MAX);
	text.size = 2 * MANIFEST_SIZE_MAX;
	store_write(&f.store, "manifest.json", span_of_bytes(&text));
	assert_int_equal(open_it(&f), ERR_CORRUPT);
	check_says(&f, "longer than");
	bytes_release(&text);
	teardown(&f);
}

static void a_newer_format_is_named_so(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	store_write(&f.store, "manifest.json", span_of_string("{\"format\":2}"));
	assert_int_equal(open_it(&f), ERR_UNSUPPORTED);
	check_says(&f, f.store.url);
	teardown(&f);
}

/* Truncated anywhere, and with any bit flipped: refused, by one error or another. */
static void no_damaged_manifest_opens(void **state)
{
	struct bytes text = {0};
	struct fixture f;

	(void)state;
	setup(&f);
	put_revision(&f, 1);
	store_read(&f.store, "manifest.json", &text);
	for (size_t size = 0; size + 1 < text.size; size += 17) {
		store_write(&f.store, "manifest.json", span_of(text.data, size));
		assert_int_not_equal(open_it(&f), 0);
		assert_true(f.t.text[0] != '\0');
	}
	for (size_t at = 0; at + 1 < text.size; at += 7) {
		text.data[at] ^= 1;
		store_write(&f.store, "manifest.json", span_of_bytes(&text));
		assert_int_not_equal(open_it(&f), 0);
		assert_true(f.t.text[0] != '\0');
		text.data[at] ^= 1;
	}
	bytes_release(&text);
	teardown(&f);
}

static void mirrors_of_the_manifest_are_used(void **state)
{
	struct small_store mirror;
	struct manifest m;
	struct fixture f;
	char *mirrors[1];

	(void)state;
	setup(&f);
	store_init(&mirror);
	mirrors[0] = mirror.url;
	m = manifest_of(&f, 1);
	/* The pages are at the mirror only. */
	m.root = store_tree(&mirror, 30);
	m.mirrors = mirrors;
	m.mirror_count = 1;
	put_manifest(&f, &m, true);
	assert_int_equal(open_it(&f), 0);
	assert_int_equal(mirrors_count(source_mirrors(f.dataset->source)), 2);
	assert_int_equal(
		source_run(f.dataset->source, page_of_root, &m.root, 0, FETCH_DEMAND, NULL),
		0);
	close_dataset(&f);
	store_release(&mirror);
	teardown(&f);
}

static void plain_http_wants_a_key(void **state)
{
	char right[PUBLIC_KEY_TEXT_SIZE];
	struct gate_server *g;
	struct public_key key;
	struct fixture f;

	(void)state;
	setup(&f);
	put_revision(&f, 1);
	g = gate_new(f.store.directory);
	f.options.url = g->url;
	key = private_key_public(f.store.key);
	public_key_to_text(&key, right);
	assert_int_equal(open_it(&f), ERR_UNTRUSTED);
	check_says(&f, "--trust");
	check_says(&f, right);
	assert_int_not_equal(access(f.known_keys, F_OK), 0);
	f.options.trust = right;
	assert_int_equal(open_it(&f), 0);
	/* Once will do, and so will a pin made by hand. */
	f.options.trust = NULL;
	assert_int_equal(open_it(&f), 0);
	close_dataset(&f);
	assert_int_equal(unlink(f.known_keys), 0);
	assert_int_equal(open_it(&f), ERR_UNTRUSTED);
	assert_int_equal(known_keys_add(f.known_keys, g->url, &key, NULL), 0);
	assert_int_equal(open_it(&f), 0);
	close_dataset(&f);
	teardown(&f);
	gate_free(g);
}

/* With the embedded server and the CA that it made. */
static void https_pins_the_first_time(void **state)
{
	char tls_dir[PATH_SIZE_MAX + 8], ca[PATH_SIZE_MAX + 16], url[64];
	struct serve_options options = {.host = "127.0.0.1", .tls = true};
	struct serve *server;
	struct fixture f;
	int rc;

	(void)state;
	setup(&f);
	put_revision(&f, 1);
	snprintf(tls_dir, sizeof(tls_dir), "%s/tls", f.reader.directory);
	snprintf(ca, sizeof(ca), "%s/ca.pem", tls_dir);
	options.store = f.store.directory;
	options.tls_dir = tls_dir;
	rc = serve_start(&options, &server, NULL);
	if (rc == ERR_UNSUPPORTED) {
		teardown(&f);
		skip();
	}
	assert_int_equal(rc, 0);
	snprintf(url, sizeof(url), "https://127.0.0.1:%u/", serve_port(server));
	f.options.url = url;
	f.options.deadline_ns = TESTED_DEADLINE;
	/* Not a CA of this machine. */
	assert_int_equal(open_it(&f), ERR_UNTRUSTED);
	check_says(&f, "--cacert");
	engine_free(f.reader.engine);
	f.reader.credentials.cacert = strdup(ca);
	reader_start(&f.reader);
	assert_int_equal(open_it(&f), 0);
	assert_true(f.dataset->newly_pinned);
	assert_int_equal(source_run(f.dataset->source, page_of_root,
				 &f.dataset->manifest->root, 0, FETCH_DEMAND, NULL),
		0);
	assert_int_equal(open_it(&f), 0);
	assert_false(f.dataset->newly_pinned);
	close_dataset(&f);
	serve_stop(server);
	teardown(&f);
}

static void an_unchanged_manifest_is_not_sent_again(void **state)
{
	struct gate_server *g;
	struct public_key key;
	struct fixture f;

	(void)state;
	setup(&f);
	put_revision(&f, 1);
	g = gate_new(f.store.directory);
	f.options.url = g->url;
	key = private_key_public(f.store.key);
	assert_int_equal(known_keys_add(f.known_keys, g->url, &key, NULL), 0);
	assert_int_equal(open_it(&f), 0);
	assert_int_equal(g->not_modified, 0);
	assert_int_equal(open_it(&f), 0);
	assert_int_equal(g->not_modified, 1);
	assert_false(f.dataset->from_cache);
	assert_int_equal(f.dataset->manifest->revision, 1);
	put_revision(&f, 2);
	assert_int_equal(open_it(&f), 0);
	assert_int_equal(g->not_modified, 1);
	assert_int_equal(f.dataset->manifest->revision, 2);
	close_dataset(&f);
	teardown(&f);
	gate_free(g);
}

/* What lies in a cache on the way is no answer to where a tag is now. */
static void a_moved_tag_is_seen_behind_a_cache(void **state)
{
	char stale[PATH_SIZE_MAX], command[3 * PATH_SIZE_MAX];
	struct gate_server *g;
	struct public_key key;
	struct fixture f;

	(void)state;
	setup(&f);
	put_revision(&f, 1);
	put_revision(&f, 2);
	put_tag(&f, "stable", "stable", "sample", 1);
	make_temporary(stale);
	snprintf(command, sizeof command, "cp -R %s/. %s", f.store.directory, stale);
	assert_int_equal(system(command), 0);
	put_tag(&f, "stable", "stable", "sample", 2);
	g = gate_new(f.store.directory);
	g->stale = stale;
	f.options.url = g->url;
	f.options.tag = "stable";
	key = private_key_public(f.store.key);
	assert_int_equal(known_keys_add(f.known_keys, g->url, &key, NULL), 0);
	assert_int_equal(open_it(&f), 0);
	assert_int_equal(f.dataset->manifest->revision, 2);
	close_dataset(&f);
	teardown(&f);
	gate_free(g);
	remove_tree(stale);
}

static void the_last_manifest_stands_in_for_a_dead_server(void **state)
{
	struct gate_server *g;
	struct public_key key;
	struct fixture f;

	(void)state;
	setup(&f);
	put_revision(&f, 1);
	put_revision(&f, 2);
	g = gate_new(f.store.directory);
	f.options.url = g->url;
	f.options.deadline_ns = NS_PER_SECOND;
	key = private_key_public(f.store.key);
	assert_int_equal(known_keys_add(f.known_keys, g->url, &key, NULL), 0);
	gate_set_status(g, 503);
	assert_int_equal(open_it(&f), ERR_UNREACHABLE);
	assert_true(gate_requests(g) > 0);
	check_says(&f, "is the URL right");
	check_says(&f, g->url);
	gate_set_status(g, 0);
	f.options.deadline_ns = TESTED_DEADLINE;
	assert_int_equal(open_it(&f), 0);
	assert_int_equal(f.dataset->manifest->revision, 2);
	gate_set_status(g, 503);
	f.options.deadline_ns = NS_PER_SECOND;
	assert_int_equal(open_it(&f), 0);
	assert_true(f.dataset->from_cache);
	assert_int_equal(f.dataset->manifest->revision, 2);
	assert_true(reader_logged(&f.reader, "going on with revision 2"));
	/* The same by number; another number is not to be had. */
	f.options.revision = 2;
	assert_int_equal(open_it(&f), 0);
	f.options.revision = 1;
	assert_int_equal(open_it(&f), ERR_UNREACHABLE);
	/* Silence is as good as 503, at the deadline. */
	f.options.revision = 0;
	f.options.deadline_ns = 200 * NS_PER_MS;
	gate_set(g, true);
	assert_int_equal(open_it(&f), 0);
	assert_true(f.dataset->from_cache);
	close_dataset(&f);
	teardown(&f);
	gate_free(g);
}

static void *recover(void *arg)
{
	struct gate_server *g = arg;

	gate_await(g, 3);
	gate_set_status(g, 0);
	return NULL;
}

/* One that answers 503 while it starts is asked until it is up. */
static void a_starting_server_is_waited_for(void **state)
{
	struct gate_server *g;
	struct public_key key;
	struct fixture f;
	pthread_t thread;

	(void)state;
	setup(&f);
	put_revision(&f, 1);
	g = gate_new(f.store.directory);
	f.options.url = g->url;
	key = private_key_public(f.store.key);
	assert_int_equal(known_keys_add(f.known_keys, g->url, &key, NULL), 0);
	gate_set_status(g, 503);
	assert_int_equal(pthread_create(&thread, NULL, recover, g), 0);
	assert_int_equal(open_it(&f), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(reader_logged(&f.reader, "503; trying again"));
	close_dataset(&f);
	teardown(&f);
	gate_free(g);
}

/* One dataset under two URLs: each is recalled, and none is asked with the other's ETag. */
static void two_urls_may_lead_to_one_dataset(void **state)
{
	struct gate_server *g[2];
	struct public_key key;
	struct fixture f;

	(void)state;
	setup(&f);
	put_revision(&f, 1);
	key = private_key_public(f.store.key);
	for (int i = 0; i < 2; i++) {
		g[i] = gate_new(f.store.directory);
		assert_int_equal(known_keys_add(f.known_keys, g[i]->url, &key, NULL), 0);
		f.options.url = g[i]->url;
		assert_int_equal(open_it(&f), 0);
	}
	f.options.url = g[0]->url;
	assert_int_equal(open_it(&f), 0);
	assert_int_equal(g[0]->not_modified, 0);
	f.options.url = g[1]->url;
	f.options.deadline_ns = NS_PER_SECOND;
	gate_set_status(g[1], 503);
	assert_int_equal(open_it(&f), 0);
	assert_true(f.dataset->from_cache);
	close_dataset(&f);
	teardown(&f);
	gate_free(g[0]);
	gate_free(g[1]);
}

/* A network that wants a sign-in first answers in every store's place. Whoever has opened
 * it goes on with what he has; to a newcomer it is what it says. */
static void a_sign_in_page_is_no_word_of_the_store(void **state)
{
	static const struct {
		int status, code;
	} answers[] = {{403, ERR_DENIED}, {404, ERR_ABSENT}, {0, ERR_CORRUPT}};
	static const char page[] = "<!DOCTYPE html><html>sign in</html>";
	struct gate_server *g;
	struct public_key key;
	struct fixture f;

	(void)state;
	setup(&f);
	g = gate_new(f.store.directory);
	f.options.url = g->url;
	key = private_key_public(f.store.key);
	assert_int_equal(known_keys_add(f.known_keys, g->url, &key, NULL), 0);
	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
		put_revision(&f, i + 1);
		assert_int_equal(open_it(&f), 0);
		assert_false(f.dataset->from_cache);
		if (!answers[i].status)
			store_write(&f.store, "manifest.json", span_of_string(page));
		gate_set_status(g, answers[i].status);
		assert_int_equal(open_it(&f), 0);
		assert_true(f.dataset->from_cache && f.dataset->has_stand_in);
		assert_int_equal(f.dataset->manifest->revision, i + 1);
		/* Of another revision there is nothing to go on with. */
		f.options.revision = 77;
		if (answers[i].status)
			assert_int_equal(open_it(&f), answers[i].code);
		f.options.revision = 0;
		gate_set_status(g, 0);
	}
	close_dataset(&f);
	teardown(&f);
	gate_free(g);
}

static void a_newcomer_is_told_of_a_denial(void **state)
{
	struct gate_server *g;
	struct fixture f;

	(void)state;
	setup(&f);
	put_revision(&f, 1);
	g = gate_new(f.store.directory);
	f.options.url = g->url;
	gate_set_status(g, 403);
	assert_int_equal(open_it(&f), ERR_DENIED);
	gate_set_status(g, 404);
	assert_int_equal(open_it(&f), ERR_ABSENT);
	check_says(&f, "no store at");
	teardown(&f);
	gate_free(g);
}

static void offline_asks_nobody(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	put_revision(&f, 3);
	f.options.offline = true;
	assert_int_equal(open_it(&f), ERR_ABSENT);
	check_says(&f, "never opened");
	f.options.offline = false;
	assert_int_equal(open_it(&f), 0);
	store_remove(&f.store, "manifest.json");
	f.options.offline = true;
	assert_int_equal(open_it(&f), 0);
	assert_true(f.dataset->from_cache);
	assert_int_equal(f.dataset->manifest->revision, 3);
	/* Nor later, for a blob. */
	assert_int_equal(
		want_one(f.dataset->source, &(struct want){.kind = BLOB_PAGE}, NULL),
		ERR_UNREACHABLE);
	f.options.revision = 2;
	assert_int_equal(open_it(&f), ERR_ABSENT);
	check_says(&f, "revision 3 only");
	f.options.revision = 0;
	f.options.tag = "stable";
	assert_int_equal(open_it(&f), ERR_ABSENT);
	check_says(&f, "what the tag \"stable\" is on");
	teardown(&f);
}

/* The server is dead, or something else answers, or nobody is to be asked: a tag is on what
 * it was on. One that was taken away from a store that answers is none. */
static void a_tag_is_remembered(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	put_revision(&f, 1);
	put_tag(&f, "stable", "stable", "sample", 1);
	put_revision(&f, 2);
	assert_int_equal(open_it(&f), 0);
	f.options.tag = "stable";
	assert_int_equal(open_it(&f), 0);
	f.options.offline = true;
	assert_int_equal(open_it(&f), 0);
	assert_true(f.dataset->from_cache);
	assert_int_equal(f.dataset->manifest->revision, 1);
	/* it is not what is newest, nor another tag */
	f.options.tag = NULL;
	assert_int_equal(open_it(&f), 0);
	assert_int_equal(f.dataset->manifest->revision, 2);
	f.options.tag = "stabl";
	assert_int_equal(open_it(&f), ERR_ABSENT);
	f.options.offline = false;
	f.options.tag = "stable";
	store_write(&f.store, "tags/stable.json", span_of_string("<html>sign in</html>"));
	assert_int_equal(open_it(&f), 0);
	assert_true(f.dataset->has_stand_in);
	assert_int_equal(f.dataset->manifest->revision, 1);
	store_remove(&f.store, "tags/stable.json");
	assert_int_equal(open_it(&f), ERR_ABSENT);
	check_says(&f, "no tag \"stable\"");
	store_remove(&f.store, "manifest.json");
	assert_int_equal(open_it(&f), 0);
	assert_true(f.dataset->has_stand_in);
	teardown(&f);
}

/* What is remembered is checked against the pinned key like what comes. */
static void a_forged_memory_is_refused(void **state)
{
	struct dataset_record seen;
	struct fixture f;
	uint8_t *at;

	(void)state;
	setup(&f);
	put_revision(&f, 3);
	assert_int_equal(open_it(&f), 0);
	assert_int_equal(cache_dataset_load(f.reader.cache, &f.dataset->id, &seen), 0);
	at = memmem(seen.manifest.data, seen.manifest.size, "sample", 6);
	assert_non_null(at);
	at[0] = 'S';
	assert_int_equal(cache_dataset_save(f.reader.cache, &f.dataset->id, &seen), 0);
	dataset_record_release(&seen);
	f.options.offline = true;
	assert_int_equal(open_it(&f), ERR_UNTRUSTED);
	teardown(&f);
}

/* Whoever silences the server cannot keep an expired manifest alive. */
static void an_expired_memory_is_refused(void **state)
{
	struct dataset_record seen;
	struct manifest m;
	struct fixture f;

	(void)state;
	setup(&f);
	put_revision(&f, 3);
	assert_int_equal(open_it(&f), 0);
	assert_int_equal(cache_dataset_load(f.reader.cache, &f.dataset->id, &seen), 0);
	m = manifest_of(&f, 3);
	m.expires = 1700000001;
	put_manifest(&f, &m, false);
	bytes_clear(&seen.manifest);
	store_read(&f.store, "revisions/3.json", &seen.manifest);
	assert_int_equal(cache_dataset_save(f.reader.cache, &f.dataset->id, &seen), 0);
	dataset_record_release(&seen);
	f.options.offline = true;
	assert_int_equal(open_it(&f), ERR_EXPIRED);
	teardown(&f);
}

static void what_only_the_cache_knows_is_noticed(void **state)
{
	char file[PATH_SIZE_MAX + 64];
	struct fixture f;

	(void)state;
	setup(&f);
	put_revision(&f, 1);
	assert_int_equal(open_it(&f), 0);
	snprintf(file, sizeof file, "%s/known_datasets", f.reader.directory);
	assert_int_equal(unlink(file), 0);
	put_another(&f, 1);
	assert_int_equal(open_it(&f), 0);
	assert_true(reader_logged(&f.reader, "it held sample before"));
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_time_pins),
		cmocka_unit_test(a_path_will_do),
		cmocka_unit_test(another_key_is_refused),
		cmocka_unit_test(a_broken_signature_is_refused),
		cmocka_unit_test(trust_given_is_what_counts),
		cmocka_unit_test(an_older_revision_gives_way_to_the_last_accepted),
		cmocka_unit_test(what_was_seen_outlives_the_cache),
		cmocka_unit_test(another_dataset_is_refused),
		cmocka_unit_test(trust_overrules_for_once),
		cmocka_unit_test(a_cache_has_another_dataset),
		cmocka_unit_test(what_a_cache_knows_is_taken_over),
		cmocka_unit_test(unreadable_is_not_forgotten),
		cmocka_unit_test(without_a_place_the_cache_knows),
		cmocka_unit_test(tags_are_remembered),
		cmocka_unit_test(a_tag_is_not_put_back),
		cmocka_unit_test(a_tag_is_remembered),
		cmocka_unit_test(other_mirrors_are_asked),
		cmocka_unit_test(an_expired_revision_is_refused),
		cmocka_unit_test(a_revision_is_the_one_asked_for),
		cmocka_unit_test(tags_lead_to_revisions),
		cmocka_unit_test(tags_bind_the_manifest),
		cmocka_unit_test(what_is_no_store_is_named_so),
		cmocka_unit_test(a_huge_manifest_is_broken_off),
		cmocka_unit_test(a_newer_format_is_named_so),
		cmocka_unit_test(no_damaged_manifest_opens),
		cmocka_unit_test(mirrors_of_the_manifest_are_used),
		cmocka_unit_test(plain_http_wants_a_key),
		cmocka_unit_test(https_pins_the_first_time),
		cmocka_unit_test(an_unchanged_manifest_is_not_sent_again),
		cmocka_unit_test(a_moved_tag_is_seen_behind_a_cache),
		cmocka_unit_test(the_last_manifest_stands_in_for_a_dead_server),
		cmocka_unit_test(a_starting_server_is_waited_for),
		cmocka_unit_test(two_urls_may_lead_to_one_dataset),
		cmocka_unit_test(a_sign_in_page_is_no_word_of_the_store),
		cmocka_unit_test(a_newcomer_is_told_of_a_denial),
		cmocka_unit_test(offline_asks_nobody),
		cmocka_unit_test(a_forged_memory_is_refused),
		cmocka_unit_test(an_expired_memory_is_refused),
		cmocka_unit_test(what_only_the_cache_knows_is_noticed),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
