/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/mirrors.h"
#include "util/clock.h"

#define MS NS_PER_MS
#define S NS_PER_SECOND

static struct mirrors *make(const char *url)
{
	struct mirrors *m = NULL;
	struct trouble t = {0};

	if (mirrors_new(url, &m, &t))
		fail_msg("%s", t.text);
	return m;
}

/* Of three, all https. */
static struct mirrors *make_three(void)
{
	struct mirrors *m = make("https://a.test/");

	assert_int_equal(mirrors_add(m, "https://b.test/"), 0);
	assert_int_equal(mirrors_add(m, "https://c.test/"), 0);
	return m;
}

static int choose(struct mirrors *m, uint64_t avoid, int64_t now, int64_t *wait)
{
	*wait = -1;
	return mirrors_choose(m, avoid, now, wait);
}

static void test_urls(void **state)
{
	static const struct {
		const char *given, *url, *origin;
	} cases[] = {
		{"https://Example.org/a/b/", "https://example.org/a/b",
			"https://example.org:443"},
		{"HTTPS://example.org", "https://example.org", "https://example.org:443"},
		{"https://example.org/", "https://example.org", "https://example.org:443"},
		{"https://example.org/a//", "https://example.org/a",
			"https://example.org:443"},
		{"http://h:8080/x", "http://h:8080/x", "http://h:8080"},
		{"http://[::1]:81/x", "http://[::1]:81/x", "http://[::1]:81"},
		{"file:///srv/store/", "file:///srv/store", "file://"},
		{"file:///srv/my store", "file:///srv/my%20store", "file://"},
		{"file:///srv/my%20store", "file:///srv/my%20store", "file://"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct mirrors *m = make(cases[i].given);

		if (strcasecmp(mirrors_url(m, 0), cases[i].url) != 0)
			fail_msg("%s: %s", cases[i].given, mirrors_url(m, 0));
		assert_string_equal(mirrors_origin(m, 0), cases[i].origin);
		assert_null(mirrors_url(m, 1));
		assert_null(mirrors_origin(m, 1));
		mirrors_free(m);
	}
}

static void test_bad_urls(void **state)
{
	static const char *const urls[] = {"", "store", "/srv/store", "example.org/store",
		"ftp://example.org/", "s3://bucket/", "https://", "file://",
		"https://user@example.org/", "https://user:password@example.org/",
		"https://example.org/?x=1", "https://example.org/#x", "https://a b/",
		"https://example.org:99999/", "https://example.org:x/", "://x",
		"file://host.test/x"};
	struct mirrors *m = NULL;
	struct trouble t;
	char url[URL_SIZE_MAX + 10];

	(void)state;
	for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
		if (mirrors_new(urls[i], &m, &t) != ERR_INVALID)
			fail_msg("%s", urls[i]);
		assert_true(strlen(t.text) > 10);
		assert_null(strstr(t.text, "password@"));
	}
	memset(url, 'a', sizeof url);
	memcpy(url, "https://", 8);
	url[sizeof url - 1] = '\0';
	assert_int_equal(mirrors_new(url, &m, &t), ERR_INVALID);
	assert_null(m);
	/* Short enough, but not once its bytes are percent-encoded. */
	memcpy(url, "https://a.test/", 15);
	memset(url + 15, 0xe9, URL_SIZE_MAX / 2);
	url[15 + URL_SIZE_MAX / 2] = '\0';
	assert_int_equal(mirrors_new(url, &m, &t), ERR_INVALID);
	assert_null(m);
}

static void test_add(void **state)
{
	struct mirrors *m = make("https://a.test/x");
	char url[64];

	(void)state;
	assert_int_equal(mirrors_add(m, "https://a.test/x/"), 0);
	assert_int_equal(mirrors_count(m), 1);
	assert_int_equal(mirrors_add(m, "https://a.test/y"), 0);
	assert_int_equal(mirrors_count(m), 2);
	assert_int_equal(mirrors_add(m, "http://a.test/y"), ERR_DENIED);
	assert_int_equal(mirrors_add(m, "file:///etc"), ERR_DENIED);
	assert_int_equal(mirrors_add(m, "junk"), ERR_INVALID);
	for (int i = 2; i < MIRRORS_MAX; i++) {
		snprintf(url, sizeof url, "https://m%d.test/", i);
		assert_int_equal(mirrors_add(m, url), 0);
	}
	assert_int_equal(mirrors_add(m, "https://more.test/"), ERR_LIMIT);
	assert_int_equal(mirrors_add(m, "https://m5.test/"), 0);
	assert_int_equal(mirrors_count(m), MIRRORS_MAX);
	assert_true(mirrors_is_home(m, 1));
	assert_false(mirrors_is_home(m, 2));
	assert_false(mirrors_is_home(m, MIRRORS_MAX));
	mirrors_free(m);
	m = make("file:///srv/a");
	assert_int_equal(mirrors_add(m, "file:///srv/b"), 0);
	assert_int_equal(mirrors_add(m, "https://a.test/"), 0);
	assert_int_equal(mirrors_add(m, "http://a.test/"), ERR_DENIED);
	assert_false(mirrors_is_home(m, 2));
	mirrors_free(m);
	m = make("http://a.test:80/x");
	assert_int_equal(mirrors_add(m, "http://A.test/y"), 0);
	assert_int_equal(mirrors_add(m, "https://a.test/y"), 0);
	assert_true(mirrors_is_home(m, 1));
	assert_false(mirrors_is_home(m, 2));
	mirrors_free(m);
	mirrors_free(NULL);
}

static void test_order(void **state)
{
	struct mirrors *m = make_three();
	int64_t wait;

	(void)state;
	assert_int_equal(choose(m, 0, S, &wait), 0);
	assert_int_equal(wait, 0);
	assert_int_equal(choose(m, 1, S, &wait), 1);
	assert_int_equal(choose(m, 1 | 2, S, &wait), 2);
	assert_int_equal(choose(m, 1 | 2 | 4, S, &wait), -1);
	/* Those that are measured come first, the fastest of them before the others. */
	mirrors_succeeded(m, 1, 200 * MS, 1 << 20);
	assert_int_equal(choose(m, 0, S, &wait), 1);
	mirrors_succeeded(m, 2, 100 * MS, 1 << 20);
	assert_int_equal(choose(m, 0, S, &wait), 2);
	/* A small answer that takes as long is a slower one. */
	mirrors_succeeded(m, 0, 100 * MS, 1000);
	assert_int_equal(choose(m, 0, S, &wait), 2);
	/* It changes with what is measured. */
	for (int i = 0; i < 30; i++)
		mirrors_succeeded(m, 2, S, 1 << 20);
	assert_int_equal(choose(m, 0, S, &wait), 1);
	/* No bytes say nothing about speed. */
	mirrors_succeeded(m, 0, 1, 0);
	assert_int_equal(choose(m, 0, S, &wait), 1);
	mirrors_succeeded(m, 99, 1, 1);
	mirrors_failed(m, 99, MIRROR_UNREACHABLE, S);
	mirrors_free(m);
}

static void test_backoff(void **state)
{
	struct mirrors *m = make("https://a.test/");
	int64_t now = 1000 * S, wait, most = 250 * MS;

	(void)state;
	for (int i = 0; i < 12; i++) {
		/* Many fail at once: that is one failure. */
		for (int burst = 0; burst < 20; burst++)
			mirrors_failed(m, 0, MIRROR_UNREACHABLE, now + burst);
		assert_int_equal(choose(m, 0, now, &wait), 0);
		assert_true(wait > most / 2 && wait <= most);
		now += most + 1;
		assert_int_equal(choose(m, 0, now, &wait), 0);
		assert_int_equal(wait, 0);
		most = most < S ? most * 2 : 1500 * MS;
	}
	mirrors_failed(m, 0, MIRROR_UNREACHABLE, now);
	mirrors_succeeded(m, 0, MS, 0);
	choose(m, 0, now, &wait);
	assert_int_equal(wait, 0);
	mirrors_failed(m, 0, MIRROR_UNREACHABLE, now);
	choose(m, 0, now, &wait);
	assert_true(wait > 0 && wait <= 250 * MS);
	mirrors_free(m);
}

static void test_set_back(void **state)
{
	struct mirrors *m = make_three();
	int64_t now = 1000 * S, wait;

	(void)state;
	mirrors_failed(m, 0, MIRROR_UNREACHABLE, now);
	assert_int_equal(choose(m, 0, now, &wait), 1);
	assert_int_equal(wait, 0);
	/* Wrong bytes put it behind one that is slow, and that behind the rest; none of
	 * them makes waiting, but what is unreachable is the last resort. */
	mirrors_failed(m, 1, MIRROR_WRONG_BYTES, now);
	mirrors_failed(m, 2, MIRROR_SLOW, now);
	assert_int_equal(choose(m, 0, now, &wait), 2);
	assert_int_equal(wait, 0);
	assert_int_equal(choose(m, 4, now, &wait), 1);
	assert_int_equal(wait, 0);
	assert_int_equal(choose(m, 4 | 2, now, &wait), 0);
	assert_true(wait > 0);
	/* A transfer that ends well does not make wrong bytes forgotten; time does. */
	mirrors_succeeded(m, 1, MS, 1 << 20);
	assert_int_equal(choose(m, 0, now, &wait), 2);
	assert_int_equal(choose(m, 0, now + 100 * S, &wait), 1);
	/* All unreachable: whose time is up first. */
	now += 1000 * S;
	mirrors_failed(m, 0, MIRROR_UNREACHABLE, now + MS * 3);
	mirrors_failed(m, 1, MIRROR_UNREACHABLE, now - 200 * MS);
	mirrors_failed(m, 2, MIRROR_UNREACHABLE, now + 100 * MS);
	assert_int_equal(choose(m, 0, now - 100 * MS, &wait), 1);
	mirrors_free(m);
}

static void test_wrong_bytes_again(void **state)
{
	struct mirrors *m = make_three();
	int64_t now = 1000 * S, wait;

	(void)state;
	mirrors_failed(m, 0, MIRROR_WRONG_BYTES, now);
	mirrors_failed(m, 0, MIRROR_WRONG_BYTES, now);
	mirrors_failed(m, 0, MIRROR_WRONG_BYTES, now);
	assert_int_equal(choose(m, 0, now + 100 * S, &wait), 1);
	assert_int_equal(choose(m, 0, now + 300 * S, &wait), 0);
	mirrors_free(m);
}

/* What goes wrong where a mirror leads to is that server's; the mirror stands behind its
 * peers, but nobody waits for it. */
static void test_led(void **state)
{
	struct mirrors *m = make_three();
	int64_t now = 1000 * S, wait;
	unsigned server = mirrors_led(m, 0, "https://d.test:443");

	(void)state;
	assert_int_equal(server, MIRRORS_MAX);
	assert_int_equal(mirrors_led(m, 1, "https://d.test:443"), server);
	assert_int_equal(mirrors_led(m, 1, "https://b.test:443"), 1);
	assert_int_equal(mirrors_led(m, 2, "https://a.test:443"), 0);
	mirrors_led(m, 2, "https://c.test:443");
	mirrors_failed(m, server, MIRROR_UNREACHABLE, now);
	assert_int_equal(choose(m, 0, now, &wait), 1);
	assert_int_equal(choose(m, 6, now, &wait), 0);
	assert_int_equal(wait, 0);
	/* It leads elsewhere now, or that server is well again. */
	mirrors_led(m, 0, "https://a.test:443");
	assert_int_equal(choose(m, 0, now, &wait), 0);
	mirrors_led(m, 0, "https://d.test:443");
	assert_int_equal(choose(m, 0, now, &wait), 1);
	mirrors_succeeded(m, server, 0, 0);
	assert_int_equal(choose(m, 0, now, &wait), 0);
	/* No place for more: then it is the mirror's own setback. */
	for (int i = 0; i < 100; i++) {
		char origin[32];

		snprintf(origin, sizeof origin, "https://t%d.test:443", i);
		server = mirrors_led(m, 0, origin);
	}
	assert_int_equal(server, 0);
	assert_int_equal(mirrors_led(m, 99, "https://a.test:443"), 99);
	mirrors_free(m);
}

/* Asked to leave a server alone: so is whatever lies or leads there. */
static void test_pause(void **state)
{
	struct mirrors *m = make("https://a.test/x");
	int64_t now = 1000 * S, wait;
	unsigned server;

	(void)state;
	assert_int_equal(mirrors_add(m, "https://a.test/y"), 0);
	assert_int_equal(mirrors_add(m, "https://c.test/"), 0);
	mirrors_pause(m, 1, now + 30 * S);
	mirrors_pause(m, 1, now + 10 * S);
	assert_int_equal(mirrors_paused_until(m, 0), now + 30 * S);
	assert_int_equal(choose(m, 0, now, &wait), 2);
	assert_int_equal(wait, 0);
	mirrors_succeeded(m, 0, MS, 1);
	assert_int_equal(choose(m, 4, now, &wait), 0);
	assert_int_equal(wait, 30 * S);
	server = mirrors_led(m, 2, "https://d.test:443");
	mirrors_pause(m, server, now + 40 * S);
	assert_int_equal(mirrors_paused_until(m, 2), now + 40 * S);
	choose(m, 3, now, &wait);
	assert_int_equal(wait, 40 * S);
	mirrors_led(m, 2, "https://c.test:443");
	choose(m, 3, now, &wait);
	assert_int_equal(wait, 0);
	mirrors_pause(m, 99, now + S);
	assert_int_equal(mirrors_paused_until(m, 99), 0);
	mirrors_free(m);
}

static void test_health_is_told(void **state)
{
	struct mirrors *m = make_three();
	int64_t now = 100 * S;
	unsigned there;

	(void)state;
	assert_int_equal(mirrors_look(m, 0, now).word, HEALTH_WELL);
	mirrors_failed(m, 0, MIRROR_UNREACHABLE, now);
	assert_int_equal(mirrors_look(m, 0, now).word, HEALTH_OUT);
	assert_int_equal(mirrors_look(m, 0, now).failures, 1);
	assert_true(mirrors_look(m, 0, now).until > now);
	mirrors_succeeded(m, 0, MS, 1);
	assert_int_equal(mirrors_look(m, 0, now).word, HEALTH_WELL);
	mirrors_failed(m, 1, MIRROR_SLOW, now);
	assert_int_equal(mirrors_look(m, 1, now).word, HEALTH_SLOW);
	mirrors_failed(m, 1, MIRROR_WRONG_BYTES, now);
	assert_string_equal(health_name(mirrors_look(m, 1, now).word), "wrong bytes");
	mirrors_pause(m, 2, now + S);
	assert_int_equal(mirrors_look(m, 2, now).word, HEALTH_PAUSED);
	assert_int_equal(mirrors_look(m, 2, now + 2 * S).word, HEALTH_WELL);
	/* What it leads to counts as well. */
	there = mirrors_led(m, 0, "https://d.test:443");
	mirrors_failed(m, there, MIRROR_UNREACHABLE, now);
	assert_int_equal(mirrors_look(m, 0, now).word, HEALTH_OUT);
	mirrors_free(m);
}

/* An outage has one first failure and one end, whoever asks meanwhile. */
static void test_an_outage_is_told_twice(void **state)
{
	struct mirrors *m;
	int64_t now = 5 * S;

	(void)state;
	assert_int_equal(mirrors_new("https://one.example", &m, NULL), 0);
	assert_true(mirrors_succeeded(m, 0, MS, 1) == 0);
	assert_true(mirrors_failed(m, 0, MIRROR_UNREACHABLE, now));
	for (int i = 1; i < 20; i++)
		assert_false(mirrors_failed(m, 0, MIRROR_UNREACHABLE, now + i * S));
	assert_true(mirrors_succeeded(m, 0, MS, 1) == now);
	assert_true(mirrors_succeeded(m, 0, MS, 1) == 0);
	assert_false(mirrors_failed(m, 0, MIRROR_SLOW, now));
	assert_true(mirrors_failed(m, 0, MIRROR_UNREACHABLE, now + 30 * S));
	mirrors_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_health_is_told),
		cmocka_unit_test(test_bad_urls),
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_set_back),
		cmocka_unit_test(test_wrong_bytes_again),
		cmocka_unit_test(test_led),
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_an_outage_is_told_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
