/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dataset/site_check.h"
#include "net/base_url.h"

#define NOW INT64_C(1795747289) /* 2026-11-27 02:41:29 */
#define DAY (INT64_C(24) * 60 * 60)

struct heard {
	unsigned count;
	enum finding_weight weight; /* of the last */
	char about[64], text[1024];
};

static void hear(void *arg, const struct finding *f)
{
	struct heard *h = arg;

	h->count++;
	h->weight = f->weight;
	snprintf(h->about, sizeof h->about, "%s", f->about);
	snprintf(h->text, sizeof h->text, "%s", f->text);
}

typedef void (*judge_fn)(const struct findings *f, const struct probe_answer *a);

static void judge_document(const struct findings *f, const struct probe_answer *a)
{
	site_judge_document(f, "manifest-cache", "manifest.json", a);
}

static void judge_encoding(const struct findings *f, const struct probe_answer *a)
{
	site_judge_encoding(f, "a blob", a);
}

static void judge_clock(const struct findings *f, const struct probe_answer *a)
{
	site_judge_clock(f, a, NOW);
}

/* -1: nothing is said. */
static int judged(judge_fn judge, const char *fields)
{
	struct heard h = {0};
	const struct findings f = {hear, &h};
	struct probe_answer a = {0};
	char head[512];

	snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\n%s\r\n\r\n", fields);
	assert_int_equal(bytes_append(&a.head, head, strlen(head) + 1), 0);
	judge(&f, &a);
	probe_release(&a);
	assert_true(h.count <= 1);
	return h.count ? (int)h.weight : -1;
}

static void test_document(void **state)
{
	(void)state;
	assert_int_equal(judged(judge_document, "X: y"), FINDING_WRONG);
	assert_int_equal(judged(judge_document, "Cache-Control: no-cache"), FINDING_GOOD);
	assert_int_equal(judged(judge_document, "Cache-Control: max-age=0"), FINDING_GOOD);
	assert_int_equal(judged(judge_document, "Cache-Control: max-age=60"), FINDING_GOOD);
	assert_int_equal(
		judged(judge_document, "Cache-Control: max-age=3600"), FINDING_WRONG);
	assert_int_equal(judged(judge_document, "Cache-Control: public"), FINDING_WRONG);
	assert_int_equal(judged(judge_document, "Expires: 0"), FINDING_GOOD);
	assert_int_equal(judged(judge_document, "Expires: Fri, 27 Nov 2027 02:41:29 GMT"),
		FINDING_WRONG);
}

static void test_blob(void **state)
{
	(void)state;
	assert_int_equal(judged(site_judge_blob, "X: y"), FINDING_ADVICE);
	assert_int_equal(
		judged(site_judge_blob, "Cache-Control: no-store"), FINDING_ADVICE);
	assert_int_equal(
		judged(site_judge_blob, "Cache-Control: max-age=60"), FINDING_ADVICE);
	assert_int_equal(
		judged(site_judge_blob, "Cache-Control: max-age=31536000"), FINDING_GOOD);
}

static void test_encoding(void **state)
{
	(void)state;
	assert_int_equal(judged(judge_encoding, "X: y"), FINDING_GOOD);
	assert_int_equal(
		judged(judge_encoding, "Content-Encoding: identity"), FINDING_GOOD);
	assert_int_equal(judged(judge_encoding, "Content-Encoding: gzip"), FINDING_WRONG);
}

static void test_clock(void **state)
{
	(void)state;
	assert_int_equal(
		judged(judge_clock, "Date: Fri, 27 Nov 2026 02:41:20 GMT"), FINDING_GOOD);
	assert_int_equal(
		judged(judge_clock, "Date: Fri, 27 Nov 2026 02:43:20 GMT"), FINDING_ADVICE);
	assert_int_equal(
		judged(judge_clock, "Date: Fri, 27 Nov 2026 01:41:20 GMT"), FINDING_WRONG);
	assert_int_equal(judged(judge_clock, "Date: yesterday, or so"), -1);
	assert_int_equal(
		judged(judge_clock, "Age: 3600\r\nDate: Fri, 27 Nov 2026 01:41:20 GMT"),
		-1);
}

/* What is heard of an answer to who asks for a blob that is not there. */
static void expect_missing(long status, const char *fields, bool good,
	enum finding_weight weight, const char *about)
{
	struct heard h = {0};
	const struct findings f = {hear, &h};
	struct probe_answer a = {.status = status};
	char head[256];

	snprintf(head, sizeof head, "HTTP/1.1 %ld X\r\n%s\r\n\r\n", status, fields);
	assert_int_equal(bytes_append(&a.head, head, strlen(head) + 1), 0);
	assert_int_equal(site_judge_missing(&f, &a), good);
	probe_release(&a);
	assert_int_equal(h.weight, weight);
	assert_string_equal(h.about, about);
}

/* Blobs may come later, at least to one of several nodes. */
static void what_is_missing_is_not_to_be_remembered(void **state)
{
	static const char year[] = "Cache-Control: public, max-age=31536000, immutable";

	(void)state;
	expect_missing(404, "X: y", true, FINDING_GOOD, "missing");
	expect_missing(410, "Cache-Control: no-cache", true, FINDING_GOOD, "missing");
	expect_missing(404, "Cache-Control: max-age=10", true, FINDING_GOOD, "missing");
	expect_missing(403, "X: y", true, FINDING_ADVICE, "missing");
	expect_missing(200, "X: y", false, FINDING_WRONG, "missing");
	expect_missing(404, year, false, FINDING_WRONG, "missing-cache");
	expect_missing(403, year, false, FINDING_WRONG, "missing-cache");
	expect_missing(
		404, "Cache-Control: s-maxage=3600", false, FINDING_WRONG, "missing-cache");
	expect_missing(404,
		"Date: Fri, 27 Nov 2026 02:41:29 GMT\r\n"
		"Expires: Fri, 27 Nov 2027 02:41:29 GMT",
		false, FINDING_WRONG, "missing-cache");
}

#define VIEWS 3

/* "": nothing is said. */
static void expect_views(
	const struct site_view *views, const char *about, const char *words)
{
	struct heard h = {0};
	const struct findings f = {hear, &h};

	site_judge_views(&f, views, VIEWS);
	assert_string_equal(h.about, about);
	assert_non_null(strstr(h.text, words));
}

static void a_cache_is_told_from_nodes_that_differ(void **state)
{
	static const struct site_view
		same[VIEWS] = {{5, "\"a\""}, {5, "\"a\""}, {5, ""}},
		weak[VIEWS] = {{5, "\"a\""}, {5, "W/\"a\""}, {5, "\"a\""}},
		past[VIEWS] = {{4, "\"a\""}, {5, "\"b\""}, {5, "\"b\""}},
		deaf[VIEWS] = {{4, "\"a\""}, {4, "\"a\""}, {5, "\"b\""}},
		turns[VIEWS] = {{4, "\"a\""}, {5, "\"b\""}, {4, "\"a\""}},
		back[VIEWS] = {{5, "\"b\""}, {4, "\"a\""}, {5, "\"b\""}},
		times[VIEWS] = {{5, "\"a\""}, {5, "\"b\""}, {5, "\"a\""}};

	(void)state;
	expect_views(same, "", "");
	expect_views(weak, "", "");
	expect_views(past, "manifest-stale", "hands out revision 4, and the server has 5");
	expect_views(deaf, "manifest-stale", "hands out revision 4, and the server has 5");
	expect_views(turns, "nodes", "revisions 4 and 5 in turn");
	expect_views(back, "nodes", "revisions 4 and 5 in turn");
	expect_views(times, "nodes", "with its times");
}

static void test_certificate(void **state)
{
	struct heard h = {0};
	const struct findings f = {hear, &h};
	struct probe_answer a = {.certificate_ends = NOW + 400 * DAY};

	(void)state;
	site_judge_certificate(&f, true, &a, NOW);
	assert_int_equal(h.weight, FINDING_GOOD);
	a.certificate_ends = NOW + 5 * DAY;
	site_judge_certificate(&f, true, &a, NOW);
	assert_int_equal(h.weight, FINDING_ADVICE);
	assert_non_null(strstr(h.text, "5 days"));
	site_judge_certificate(&f, false, &a, NOW);
	assert_int_equal(h.weight, FINDING_ADVICE);
	assert_non_null(strstr(h.text, "plain http"));
}

/* What it says of a server is no way to the terminal for what the server says. */
static void test_escapes(void **state)
{
	struct heard h = {0};
	const struct findings f = {hear, &h};
	struct probe_answer a = {0};
	static const char head[] =
		"HTTP/1.1 200 OK\r\nContent-Encoding: \x1b[31m\xc2\x9b\xe2\x80\xae\r\n\r\n";

	(void)state;
	assert_int_equal(bytes_append(&a.head, head, sizeof head), 0);
	judge_encoding(&f, &a);
	probe_release(&a);
	assert_non_null(strstr(h.text, "(?[31m?"));
}

static void refused_url(const char *url, const char *words, const char *not_said)
{
	struct heard h = {0};
	const struct site_options o = {.url = url, .findings = {hear, &h}};
	struct trouble t = {0};

	assert_int_equal(site_check(&o, &t), ERR_INVALID);
	assert_non_null(strstr(t.text, words));
	assert_null(strstr(t.text, not_said));
	assert_int_equal(h.count, 0);
}

/* As readers refuse them. */
static void test_refused_urls(void **state)
{
	(void)state;
	refused_url("http://me:secret@127.0.0.1:1/store", "--netrc", "secret");
	refused_url("http://127.0.0.1:1/store?x=1", "query", "secret");
	refused_url("http://127.0.0.1:1/store#x", "fragment", "secret");
}

static void a_longer_url_is_refused(void **state)
{
	char url[URL_SIZE_MAX + 1] = "http://127.0.0.1:1/";
	struct heard h = {0};
	const struct site_options o = {.url = url, .findings = {hear, &h}};
	struct trouble t = {0};

	(void)state;
	memset(url + strlen(url), 'a', URL_SIZE_MAX - strlen(url));
	assert_int_equal(site_check(&o, &t), ERR_INVALID);
	assert_non_null(strstr(t.text, "longer"));
	assert_int_equal(h.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_document),
		cmocka_unit_test(test_blob),
		cmocka_unit_test(test_encoding),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(what_is_missing_is_not_to_be_remembered),
		cmocka_unit_test(a_cache_is_told_from_nodes_that_differ),
		cmocka_unit_test(test_certificate),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_refused_urls),
		cmocka_unit_test(a_longer_url_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
