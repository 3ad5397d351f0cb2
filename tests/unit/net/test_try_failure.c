/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <sys/resource.h>

#include "net/try_failure.h"

struct failing {
	CURLcode code;
	const char *words; /* libcurl's */
	int error;
	const char *said, *not_said; /* not_said may be NULL */
	bool final, certified;
};

static void check_failing(const struct failing *f)
{
	CURL *easy = curl_easy_init();
	const struct failed_transfer transfer = {
		.easy = easy,
		.code = f->code,
		.words = f->words,
		.url = "https://store.test/data/manifest.json",
		.connected = true,
		.certified = f->certified,
	};
	struct try_failure failure;
	struct trouble trouble = {0};

	assert_non_null(easy);
	try_failure_explain(&transfer, &failure, &trouble);
	assert_int_equal(trouble.code, f->error);
	assert_int_equal(failure.final, f->final);
	if (!strstr(trouble.text, f->said))
		fail_msg("\"%s\" lacks \"%s\"", trouble.text, f->said);
	if (f->not_said && strstr(trouble.text, f->not_said))
		fail_msg("\"%s\" has \"%s\"", trouble.text, f->not_said);
	curl_easy_cleanup(easy);
}

/* libcurl shows all of a URL that it cannot use. */
static void test_proxy_password(void **state)
{
	static const char *const words[] = {
		"Unsupported proxy scheme for 'bogus://me:secret@proxy.test'",
		"Unsupported proxy syntax in 'http://me:secret@proxy.test:99999'",
	};

	(void)state;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		check_failing(&(struct failing){
			.code = i ? CURLE_COULDNT_RESOLVE_PROXY : CURLE_COULDNT_CONNECT,
			.words = words[i],
			.error = ERR_INVALID,
			.said = "--proxy",
			.not_said = "secret",
			.final = true});
}

/* Alerts are about the client's certificate: a server knows no other. */
static void test_alerts(void **state)
{
	static const char *const alerts[] = {
		"tlsv13 alert certificate required",
		"tlsv1 alert unknown ca",
		"sslv3 alert certificate expired",
		"sslv3 alert certificate revoked",
		"sslv3 alert bad certificate",
		"tlsv1 alert access denied",
	};
	char words[CURL_ERROR_SIZE];

	(void)state;
	for (size_t i = 0; i < 2 * sizeof alerts / sizeof *alerts; i++) {
		snprintf(words, sizeof words,
			"OpenSSL SSL_read: error:0A000418:SSL routines::%s, errno 0",
			alerts[i / 2]);
		check_failing(&(struct failing){.code = CURLE_RECV_ERROR,
			.words = words,
			.error = ERR_DENIED,
			.said = i % 2 ? "does not take the client certificate" : "--cert",
			.final = true,
			.certified = i % 2});
	}
}

static void test_no_tls(void **state)
{
	(void)state;
	check_failing(&(struct failing){.code = CURLE_SSL_CONNECT_ERROR,
		.words = "error:0A00010B:SSL routines::wrong version number",
		.error = ERR_UNREACHABLE,
		.said = "http://"});
}

/* What libcurl said first, of a connection that was closed under it, is not why. */
static void test_first_words(void **state)
{
	(void)state;
	check_failing(&(struct failing){.code = CURLE_RECV_ERROR,
		.words = "getpeername() failed with errno 107: Transport endpoint is not "
			 "connected",
		.error = ERR_UNREACHABLE,
		.said = "--cert",
		.not_said = "getpeername"});
}

/* As libcurl 7.88 says it of 300 kB over HTTP/2. */
static void test_head_over_http2(void **state)
{
	(void)state;
	check_failing(&(struct failing){.code = CURLE_HTTP2,
		.words = "h2_process_pending_input: nghttp2_session_mem_recv() returned "
			 "-902:The user callback function failed",
		.error = ERR_UNREACHABLE,
		.said = "the header of an answer",
		.not_said = "nghttp2"});
}

/* What this machine lacks is not the server's fault, and may be there the next time. */
static void check_lacking(const struct failing *f)
{
	struct rlimit limit, none;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	check_failing(f);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void test_no_descriptors(void **state)
{
	static const CURLcode codes[] = {CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT,
		CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM,
		CURLE_PEER_FAILED_VERIFICATION};

	(void)state;
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
		struct failing f = {.code = codes[i],
			.words = "words",
			.error = ERR_NO_FILES,
			.said = "too many open files (ulimit -n): words"};

		check_lacking(&f);
	}
	check_failing(&(struct failing){.code = CURLE_COULDNT_RESOLVE_HOST,
		.words = "words",
		.error = ERR_UNREACHABLE,
		.said = "words",
		.not_said = "files"});
}

static void test_no_threads(void **state)
{
	(void)state;
	check_failing(&(struct failing){.code = CURLE_COULDNT_RESOLVE_HOST,
		.words = "getaddrinfo() thread failed to start",
		.error = ERR_NO_THREADS,
		.said = "too many threads"});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proxy_password),
		cmocka_unit_test(test_alerts),
		cmocka_unit_test(test_no_tls),
		cmocka_unit_test(test_first_words),
		cmocka_unit_test(test_head_over_http2),
		cmocka_unit_test(test_no_descriptors),
		cmocka_unit_test(test_no_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
