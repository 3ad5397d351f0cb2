/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "net/fetch_try.h"
#include "net/try_result.h"
#include "util/clock.h"

/* A try whose server has not answered with a status; each case says how it ended. */
struct ending {
	CURLcode code;
	enum fetch_stop stop;
	bool connected, answered, too_long, no_memory;
	enum try_outcome outcome;
	enum trouble_rank rank;
	int error;
	bool unwell;
	enum mirror_fault fault;
};

static void check(const struct ending *e)
{
	struct fetch fetch = {.size_max = 10};
	struct origin origin = {0};
	struct fetch_try *t = fetch_try_new();
	struct try_result result;

	assert_non_null(t);
	t->fetch = &fetch;
	t->origin = &origin;
	t->started = clock_monotonic() - 2 * NS_PER_SECOND;
	t->code = e->code;
	t->stop = e->stop;
	t->connected = e->connected;
	t->answered = e->answered;
	t->too_long = e->too_long;
	t->no_memory = e->no_memory;
	strcpy(t->url, "https://a.test/x");
	try_result_classify(t, &result);
	assert_int_equal(result.outcome, e->outcome);
	assert_int_equal(result.rank, e->rank);
	assert_int_equal(result.trouble.code, e->error);
	assert_int_equal(result.unwell, e->unwell);
	if (e->unwell)
		assert_int_equal(result.fault, e->fault);
	if (e->error)
		assert_non_null(strstr(result.trouble.text, "https://a.test/x"));
	fetch_try_free(t);
}

static void test_given(void **state)
{
	(void)state;
	check(&(struct ending){.outcome = TRY_GIVEN, .rank = RANK_NONE});
}

/* Broken off: for silence it is the server's fault, for a deadline it is not. */
static void test_stopped(void **state)
{
	const struct ending silent = {.stop = STOP_SILENCE,
		.outcome = TRY_FAILED,
		.rank = RANK_FAILED,
		.error = ERR_UNREACHABLE,
		.unwell = true,
		.fault = MIRROR_UNREACHABLE};
	struct ending e = silent;

	(void)state;
	check(&e);
	e.connected = e.answered = true;
	e.error = ERR_TIMEOUT;
	e.fault = MIRROR_SLOW;
	check(&e);
	e.stop = STOP_DEADLINE;
	e.rank = RANK_HURRIED;
	e.unwell = false;
	check(&e);
}

static void test_aborted(void **state)
{
	(void)state;
	check(&(struct ending){.code = CURLE_WRITE_ERROR,
		.answered = true,
		.too_long = true,
		.outcome = TRY_REFUSED,
		.rank = RANK_REFUSED,
		.error = ERR_LIMIT,
		.unwell = true,
		.fault = MIRROR_WRONG_BYTES});
	check(&(struct ending){.code = CURLE_WRITE_ERROR,
		.answered = true,
		.no_memory = true,
		.outcome = TRY_FAILED,
		.rank = RANK_FAILED,
		.error = ERR_NO_MEMORY});
}

static void test_codes(void **state)
{
	static const struct {
		CURLcode code;
		enum try_outcome outcome;
		int error;
	} cases[] = {
		{CURLE_COULDNT_CONNECT, TRY_FAILED, ERR_UNREACHABLE},
		{CURLE_COULDNT_RESOLVE_HOST, TRY_FAILED, ERR_UNREACHABLE},
		{CURLE_OUT_OF_MEMORY, TRY_FAILED, ERR_NO_MEMORY},
		{CURLE_PEER_FAILED_VERIFICATION, TRY_REFUSED, ERR_UNTRUSTED},
		{CURLE_SSL_CACERT_BADFILE, TRY_REFUSED, ERR_UNTRUSTED},
		{CURLE_URL_MALFORMAT, TRY_REFUSED, ERR_INVALID},
		{CURLE_SSL_CERTPROBLEM, TRY_REFUSED, ERR_DENIED},
		{CURLE_NOT_BUILT_IN, TRY_REFUSED, ERR_UNSUPPORTED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		bool failed = cases[i].outcome == TRY_FAILED;
		bool untrusted = cases[i].error == ERR_UNTRUSTED;

		check(&(struct ending){.code = cases[i].code,
			.outcome = cases[i].outcome,
			.rank = failed ? RANK_FAILED : RANK_REFUSED,
			.error = cases[i].error,
			.unwell = failed || untrusted,
			.fault = failed ? MIRROR_UNREACHABLE : MIRROR_SLOW});
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_given),
		cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_aborted),
		cmocka_unit_test(test_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
