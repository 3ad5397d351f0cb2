/* SPDX-License-Identifier: MIT */
#include "unit/await.h"
#include "unit/gate_server.h"

#include "unit/dataset_fixture.h"

#include "dataset/known_keys.h"
#include "dataset/refresh.h"

static int refresh(struct fixture *f, uint64_t revision, struct manifest **next)
{
	f->t = (struct trouble){0};
	return dataset_refresh(f->dataset, &f->options, revision, next, &f->t);
}

static void assert_stays(struct fixture *f, int error, const char *words)
{
	struct manifest *next;

	assert_int_equal(refresh(f, 2, &next), error);
	assert_null(next);
	check_says(f, words);
}

static void a_newer_revision_is_given(void **state)
{
	struct manifest *next;
	struct fixture f;

	(void)state;
	setup(&f);
	put_revision(&f, 1);
	assert_int_equal(open_it(&f), 0);
	assert_int_equal(refresh(&f, 1, &next), 0);
	assert_null(next);
	put_revision(&f, 2);
	assert_int_equal(refresh(&f, 1, &next), 0);
	assert_non_null(next);
	assert_int_equal(next->revision, 2);
	manifest_free(next);
	/* what is open is what it was, and what was seen counts */
	assert_int_equal(f.dataset->manifest->revision, 1);
	put_revision(&f, 1);
	assert_stays(&f, ERR_ROLLBACK, "revision 2 was seen before");
	teardown(&f);
}

static void what_is_refused_leaves_it(void **state)
{
	struct private_key *key;
	struct manifest m, *next;
	struct fixture f;

	(void)state;
	setup(&f);
	put_revision(&f, 2);
	assert_int_equal(open_it(&f), 0);
	/* another key */
	key = f.store.key;
	assert_int_equal(private_key_generate(&f.store.key), 0);
	put_revision(&f, 3);
	assert_stays(&f, ERR_UNTRUSTED, "signed by the key");
	private_key_free(f.store.key);
	f.store.key = key;
	/* expired */
	m = manifest_of(&f, 3);
	m.expires = 1700000001;
	put_manifest(&f, &m, true);
	assert_stays(&f, ERR_EXPIRED, "expired");
	/* another dataset */
	m = manifest_of(&f, 9);
	m.name = (char *)"elsewhere";
	put_manifest(&f, &m, true);
	assert_stays(&f, ERR_UNTRUSTED, "holds another dataset now, elsewhere");
	/* somebody else in the server's place */
	store_write(&f.store, "manifest.json", span_of_string("<html>sign in</html>"));
	assert_stays(&f, ERR_CORRUPT, "not a cairn store");
	/* nothing at all */
	store_remove(&f.store, "manifest.json");
	assert_int_not_equal(refresh(&f, 2, &next), 0);
	assert_null(next);
	assert_true(f.t.text[0]);
	/* and none of that is remembered */
	put_revision(&f, 3);
	assert_int_equal(refresh(&f, 2, &next), 0);
	assert_int_equal(next->revision, 3);
	manifest_free(next);
	teardown(&f);
}

static void a_tag_is_followed(void **state)
{
	struct manifest *next;
	struct fixture f;

	(void)state;
	setup(&f);
	put_revision(&f, 1);
	put_revision(&f, 2);
	put_tag(&f, "stable", "stable", "sample", 2);
	f.options.tag = "stable";
	assert_int_equal(open_it(&f), 0);
	/* to an older revision, too, if its owner says so */
	f.tag_created++;
	put_tag(&f, "stable", "stable", "sample", 1);
	assert_int_equal(refresh(&f, 2, &next), 0);
	assert_int_equal(next->revision, 1);
	manifest_free(next);
	teardown(&f);
}

/* Its newest time counts where it stays on its revision, too. */
static void a_tag_that_stays_is_seen(void **state)
{
	struct manifest *next;
	struct fixture f;

	(void)state;
	setup(&f);
	put_revision(&f, 1);
	put_revision(&f, 2);
	put_tag(&f, "stable", "stable", "sample", 2);
	f.options.tag = "stable";
	assert_int_equal(open_it(&f), 0);
	f.tag_created += 20;
	put_tag(&f, "stable", "stable", "sample", 2);
	assert_int_equal(refresh(&f, 2, &next), 0);
	assert_null(next);
	f.tag_created -= 10;
	put_tag(&f, "stable", "stable", "sample", 1);
	assert_stays(&f, ERR_ROLLBACK, "was seen before");
	teardown(&f);
}

static void *end_soon(void *arg)
{
	struct fixture *f = arg;

	dataset_end_waits(f->dataset);
	return NULL;
}

static void the_end_ends_who_waits(void **state)
{
	struct gate_server *g;
	struct manifest *next;
	struct public_key key;
	pthread_t thread;
	struct fixture f;

	(void)state;
	setup(&f);
	put_revision(&f, 2);
	g = gate_new(f.store.directory);
	f.options.url = g->url;
	key = private_key_public(f.store.key);
	assert_int_equal(known_keys_add(f.known_keys, g->url, &key, NULL), 0);
	assert_int_equal(open_it(&f), 0);
	/* it would be five minutes */
	f.options.deadline_ns = 300 * NS_PER_SECOND;
	gate_set(g, true);
	assert_int_equal(pthread_create(&thread, NULL, end_soon, &f), 0);
	assert_int_equal(refresh(&f, 2, &next), ERR_INTERRUPTED);
	assert_null(next);
	assert_int_equal(pthread_join(thread, NULL), 0);
	/* nor does one begin that comes later */
	assert_int_equal(refresh(&f, 2, &next), ERR_INTERRUPTED);
	close_dataset(&f);
	gate_set(g, false);
	teardown(&f);
	gate_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_newer_revision_is_given),
		cmocka_unit_test(what_is_refused_leaves_it),
		cmocka_unit_test(a_tag_is_followed),
		cmocka_unit_test(a_tag_that_stays_is_seen),
		cmocka_unit_test(the_end_ends_who_waits),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
