/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../stub_server.h"
#include "net/probe.h"
#include "unit/await.h"

struct fixture {
	struct stub_server stub, other;
	struct credentials credentials;
	char token[64];
	struct probe_answer answer;
};

static int setup(void **state)
{
	struct fixture *x = calloc(1, sizeof *x);
	int fd;

	assert_non_null(x);
	strcpy(x->token, "/tmp/cairn-test-XXXXXX");
	fd = mkstemp(x->token);
	assert_int_equal(write(fd, "tok1\n", 5), 5);
	close(fd);
	x->credentials.bearer_file = strdup(x->token);
	stub_start(&x->stub, 0, NULL);
	stub_start(&x->other, 0, NULL);
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;

	probe_release(&x->answer);
	stub_stop(&x->stub);
	stub_stop(&x->other);
	unlink(x->token);
	credentials_release(&x->credentials);
	free(x);
	return 0;
}

static const struct probe_answer *ask(struct fixture *x, const char *path)
{
	char url[128];
	const struct probe_question q = {.url = url,
		.size_max = 4096,
		.timeout = 5 * NS_PER_SECOND,
		.credentials = &x->credentials,
		.origin = x->stub.url};

	snprintf(url, sizeof url, "%s/%s", x->stub.url, path);
	probe_release(&x->answer);
	assert_int_equal(probe_ask(&q, &x->answer), 0);
	return &x->answer;
}

static bool was_sent(const struct probe_answer *a)
{
	return memmem(a->body.data, a->body.size, "Bearer tok1", 11);
}

/* As a reader does: with the token where it was given for, without it elsewhere. */
static void test_redirects(void **state)
{
	struct fixture *x = *state;
	const struct probe_answer *a = ask(x, "echo");

	assert_int_equal(a->status, 200);
	assert_null(a->hop.url);
	assert_true(was_sent(a));
	strcpy(x->stub.target, "/echo");
	a = ask(x, "redirect");
	assert_int_equal(a->status, 200);
	assert_non_null(strstr(a->hop.url, "/echo"));
	assert_true(was_sent(a));
	assert_false(a->strayed);
	snprintf(x->stub.target, sizeof x->stub.target, "%s/echo", x->other.url);
	a = ask(x, "redirect");
	assert_int_equal(a->status, 200);
	assert_true(a->strayed);
	assert_false(was_sent(a));
	/* Not even when it leads back. */
	snprintf(x->stub.target, sizeof x->stub.target, "%s/redirect", x->other.url);
	snprintf(x->other.target, sizeof x->other.target, "%s/echo", x->stub.url);
	a = ask(x, "redirect");
	assert_int_equal(a->status, 200);
	assert_false(was_sent(a));
}

static void test_bad_redirects(void **state)
{
	static const struct {
		const char *target, *words;
	} cases[] = {
		{"/redirect", "circle"},
		{"redirect/a", "too often"},
		{"", "where to"},
		{"ftp://a/b", "does not follow"},
		{"http://a:b", "no URL"},
	};
	struct fixture *x = *state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct probe_answer *a;

		strcpy(x->stub.target, cases[i].target);
		a = ask(x, i == 1 ? "redirect/302/a" : "redirect");
		assert_int_equal(a->trouble.code, ERR_UNREACHABLE);
		if (!strstr(a->trouble.text, cases[i].words))
			fail_msg("%s: %s", cases[i].target, a->trouble.text);
	}
}

static void test_failure(void **state)
{
	struct fixture *x = *state;
	const struct probe_answer *a;

	x->credentials.proxy = strdup("bogus://me:secret@127.0.0.1");
	a = ask(x, "echo");
	assert_int_equal(a->trouble.code, ERR_INVALID);
	assert_null(strstr(a->trouble.text, "secret"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_redirects, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_redirects, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failure, setup, teardown),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
