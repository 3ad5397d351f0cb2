/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/ssl.h>

#include "net/fetcher.h"
#include "net/serve.h"
#include "util/bytes.h"
#include "util/clock.h"
#include "util/io.h"
#include "unit/await.h"

#define HEX62 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd"
#define BLOB "blobs/ab/" HEX62
#define BLOB_SIZE 300000
#define PER_ADDRESS 8

struct fixture {
	char directory[64]; /* of the test: store/, tls/, secret */
	char store[80], tls[80];
	struct serve *serve;
	struct access_log *access;
	uint8_t *blob;
};

static void put(struct fixture *x, const char *name, const void *data, size_t size)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", x->directory, name);
	assert_int_equal(io_replace_file(AT_FDCWD, path, span_of(data, size), 0644, 0), 0);
}

static void make_directory(struct fixture *x, const char *name)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", x->directory, name);
	assert_int_equal(io_make_directories(path, 0755), 0);
}

static void put_link(struct fixture *x, const char *target, const char *name)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", x->directory, name);
	assert_int_equal(symlink(target, path), 0);
}

static void start(struct fixture *x, const char *host, bool tls)
{
	const struct serve_options o = {.store = x->store,
		.host = host,
		.tls = tls,
		.tls_dir = x->tls,
		.per_address = PER_ADDRESS,
		.access = x->access};
	struct trouble t = {0};

	if (serve_start(&o, &x->serve, &t))
		fail_msg("%s", t.text);
	assert_true(serve_port(x->serve) > 0);
}

static int setup(void **state)
{
	struct fixture *x = calloc(1, sizeof *x);

	strcpy(x->directory, "/tmp/cairn-test-XXXXXX");
	assert_non_null(mkdtemp(x->directory));
	snprintf(x->store, sizeof x->store, "%s/store", x->directory);
	snprintf(x->tls, sizeof x->tls, "%s/tls", x->directory);
	x->blob = malloc(BLOB_SIZE);
	for (size_t i = 0; i < BLOB_SIZE; i++)
		x->blob[i] = (uint8_t)(i * 7 + i / 251);
	make_directory(x, "store/blobs/ab");
	make_directory(x, "store/blobs/cd");
	make_directory(x, "store/revisions");
	make_directory(x, "store/tags");
	make_directory(x, "store/revisions/2.json");
	put(x, "secret", "secret", 6);
	put(x, "store/manifest.json", "{manifest}", 10);
	put(x, "store/README", "not of a store", 14);
	put(x, "store/revisions/1.json", "{revision}", 10);
	put(x, "store/" BLOB, x->blob, BLOB_SIZE);
	put_link(x, "../../secret", "store/tags/secret.json");
	put_link(x, "ab", "store/blobs/ef");
	start(x, "127.0.0.1", false);
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;
	char command[128];

	serve_stop(x->serve);
	snprintf(command, sizeof command, "rm -rf %s", x->directory);
	assert_int_equal(system(command), 0);
	free(x->blob);
	free(x);
	return 0;
}

static int dial(struct fixture *x)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET, .sin_port = htons(serve_port(x->serve))};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	return fd;
}

struct answer {
	struct bytes text; /* head and body */
	const char *body;
	size_t size;
	int status;
};

/* One request on a connection of its own; `headers` with their line ends. */
static struct answer *ask(
	struct fixture *x, const char *method, const char *path, const char *headers)
{
	struct answer *a = calloc(1, sizeof *a);
	char request[1024], buffer[65536];
	const char *end;
	ssize_t n;
	int fd = dial(x);
	int size = snprintf(request, sizeof request,
		"%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n", method, path,
		headers);

	assert_int_equal(write(fd, request, (size_t)size), size);
	while ((n = read(fd, buffer, sizeof buffer)) > 0)
		assert_int_equal(bytes_append(&a->text, buffer, (size_t)n), 0);
	close(fd);
	assert_int_equal(bytes_append(&a->text, "", 1), 0);
	end = strstr((char *)a->text.data, "\r\n\r\n");
	assert_non_null(end);
	a->body = end + 4;
	a->size = a->text.size - 1 - (size_t)(a->body - (char *)a->text.data);
	assert_int_equal(sscanf((char *)a->text.data, "HTTP/1.1 %d", &a->status), 1);
	return a;
}

static void answer_free(struct answer *a)
{
	bytes_release(&a->text);
	free(a);
}

static bool has(const struct answer *a, const char *header)
{
	const char *at = strcasestr((char *)a->text.data, header);

	return at && at < a->body;
}

static void assert_status(struct fixture *x, const char *method, const char *path,
	const char *headers, int status)
{
	struct answer *a = ask(x, method, path, headers);

	if (a->status != status)
		fail_msg("%s %s: %d", method, path, a->status);
	answer_free(a);
}

static void test_get(void **state)
{
	struct fixture *x = *state;
	struct answer *a = ask(x, "GET", "/manifest.json", "");

	assert_int_equal(a->status, 200);
	assert_string_equal(a->body, "{manifest}");
	assert_true(has(a, "\r\nContent-Length: 10\r\n"));
	assert_true(has(a, "\r\nCache-Control: no-cache\r\n"));
	assert_true(has(a, "\r\nAccept-Ranges: bytes\r\n"));
	assert_true(has(a, "\r\nETag: \""));
	answer_free(a);
	a = ask(x, "GET", "/revisions/1.json?query", "");
	assert_int_equal(a->status, 200);
	assert_true(has(a, "immutable"));
	answer_free(a);
	a = ask(x, "GET", "/" BLOB, "");
	assert_int_equal(a->status, 200);
	assert_true(has(a, "immutable"));
	assert_true(has(a, "\r\nETag: \"ab" HEX62 "\"\r\n"));
	assert_int_equal(a->size, BLOB_SIZE);
	assert_memory_equal(a->body, x->blob, BLOB_SIZE);
	answer_free(a);
}

static void test_head(void **state)
{
	struct fixture *x = *state;
	struct answer *a = ask(x, "HEAD", "/" BLOB, "Range: bytes=0-1\r\n");

	assert_int_equal(a->status, 200);
	assert_true(has(a, "\r\nContent-Length: 300000\r\n"));
	assert_true(has(a, "\r\nETag: \"ab" HEX62 "\"\r\n"));
	assert_int_equal(a->size, 0);
	answer_free(a);
	assert_status(x, "HEAD", "/blobs/ab/no", "", 404);
}

static void test_absent(void **state)
{
	static const char *const paths[] = {"/", "/README", "/tags/none.json", "/blobs",
		"/blobs/", "/blobs/ab", "/blobs/cd/" HEX62, "/revisions/2.json",
		"/revisions/3.json", "/../secret", "/tags/../../secret", "/%2e%2e/secret",
		"/..%2fsecret", "//manifest.json", "/tags/secret.json", "/blobs/ef/" HEX62,
		"/manifest.json%2f", "/manifest.json/", "/.well-known/x"};
	struct fixture *x = *state;

	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
		assert_status(x, "GET", paths[i], "", 404);
}

static void test_long_path(void **state)
{
	struct fixture *x = *state;
	char path[600];

	memset(path, 'a', sizeof path);
	path[0] = '/';
	path[sizeof path - 1] = '\0';
	assert_status(x, "GET", path, "", 404);
}

static void test_methods(void **state)
{
	static const char *const methods[] = {"PUT", "POST", "DELETE", "OPTIONS", "BREW"};
	struct fixture *x = *state;
	struct answer *a;

	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
		a = ask(x, methods[i], "/manifest.json", "Content-Length: 0\r\n");
		assert_int_equal(a->status, 405);
		assert_true(has(a, "\r\nAllow: GET, HEAD\r\n"));
		answer_free(a);
	}
	assert_status(x, "PUT", "/manifest.json", "Content-Length: 3\r\n\r\nabc", 405);
	assert_status(x, "GET", "/manifest.json", "", 200);
}

static void test_range(void **state)
{
	struct fixture *x = *state;
	struct answer *a = ask(x, "GET", "/" BLOB, "Range: bytes=1000-200999\r\n");

	assert_int_equal(a->status, 206);
	assert_true(has(a, "\r\nContent-Range: bytes 1000-200999/300000\r\n"));
	assert_int_equal(a->size, 200000);
	assert_memory_equal(a->body, x->blob + 1000, 200000);
	answer_free(a);
	a = ask(x, "GET", "/" BLOB, "Range: bytes=-7\r\n");
	assert_int_equal(a->status, 206);
	assert_int_equal(a->size, 7);
	assert_memory_equal(a->body, x->blob + BLOB_SIZE - 7, 7);
	answer_free(a);
	a = ask(x, "GET", "/" BLOB, "Range: bytes=300000-\r\n");
	assert_int_equal(a->status, 416);
	assert_true(has(a, "\r\nContent-Range: bytes */300000\r\n"));
	answer_free(a);
	assert_status(x, "GET", "/" BLOB, "Range: bytes=0-1,5-6\r\n", 200);
	assert_status(x, "GET", "/" BLOB,
		"Range: bytes=0-1\r\nIf-Range: \"ab" HEX62 "\"\r\n", 206);
	assert_status(
		x, "GET", "/" BLOB, "Range: bytes=0-1\r\nIf-Range: \"other\"\r\n", 200);
}

static void test_revalidation(void **state)
{
	struct fixture *x = *state;
	struct answer *a = ask(x, "GET", "/manifest.json", "");
	char etag[128] = "", header[160];

	assert_int_equal(
		sscanf(strcasestr((char *)a->text.data, "ETag: "), "ETag: %127s", etag), 1);
	answer_free(a);
	snprintf(header, sizeof header, "If-None-Match: %s\r\n", etag);
	a = ask(x, "GET", "/manifest.json", header);
	assert_int_equal(a->status, 304);
	assert_int_equal(a->size, 0);
	assert_true(has(a, etag));
	answer_free(a);
	put(x, "store/manifest.json", "{manifesT}", 10);
	a = ask(x, "GET", "/manifest.json", header);
	assert_int_equal(a->status, 200);
	assert_string_equal(a->body, "{manifesT}");
	assert_false(has(a, etag));
	answer_free(a);
}

static void test_unreadable(void **state)
{
	struct fixture *x = *state;
	char path[160];

	/* The superuser reads everything. */
	if (geteuid() == 0)
		skip();
	snprintf(path, sizeof path, "%s/manifest.json", x->store);
	assert_int_equal(chmod(path, 0), 0);
	assert_status(x, "GET", "/manifest.json", "", 403);
}

/* Two requests on one connection, then one that says little and stays. */
/* What a proxy may take for a request of its own, or not, is answered by none. */
static void test_bodies(void **state)
{
#define SECOND "GET /tags/none.json HTTP/1.1\r\nHost: x\r\n\r\n"
	static const char *const headers[] = {
		"Content-Length: 44\r\n\r\n" SECOND,
		"Content-Length: 0\r\nContent-Length: 44\r\n\r\n" SECOND,
		"Content-Length : 44\r\n\r\n" SECOND,
		"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" SECOND,
		"Transfer-Encoding: x\r\n\r\n" SECOND,
		"Content-Length: 1000000000\r\n",
	};
	struct fixture *x = *state;

	for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
		int fd = dial(x);
		char answers[8192];
		size_t got = 0;
		ssize_t n;

		dprintf(fd, "GET /manifest.json HTTP/1.1\r\nHost: x\r\n%s\r\n", headers[i]);
		while ((n = read(fd, answers + got, sizeof answers - 1 - got)) > 0)
			got += (size_t)n;
		answers[got] = '\0';
		close(fd);
		if (strncmp(answers, "HTTP/1.1 400 ", 13) ||
			strstr(answers + 1, "HTTP/1.1 "))
			fail_msg("%s: %s", headers[i], answers);
	}
}

static void test_connections(void **state)
{
	static const char request[] = "GET /manifest.json HTTP/1.1\r\nHost: x\r\n\r\n";
	struct fixture *x = *state;
	int idle = dial(x), fd = dial(x);
	char buffer[4096];

	assert_int_equal(write(idle, "GET /ma", 7), 7);
	for (int i = 0; i < 3; i++) {
		size_t got = 0;

		assert_int_equal(
			write(fd, request, sizeof request - 1), sizeof request - 1);
		do {
			ssize_t n = read(fd, buffer + got, sizeof buffer - 1 - got);

			assert_true(n > 0);
			got += (size_t)n;
			buffer[got] = '\0';
		} while (!strstr(buffer, "{manifest}"));
	}
	close(fd);
	close(idle);
}

/* Who opens connections and asks for nothing, or for half of something, or begins to send
 * what nobody wants, locks nobody out. */
static void test_crowd(void **state)
{
	struct fixture *x = *state;
	static const char *const begun[] = {"", "GET /ma",
		"POST /manifest.json HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n"};
	int idle[3 * PER_ADDRESS];
	char byte;

	for (int i = 0; i < 3 * PER_ADDRESS; i++) {
		idle[i] = dial(x);
		if (i % 3)
			send(idle[i], begun[i % 3], strlen(begun[i % 3]), MSG_NOSIGNAL);
		assert_status(x, "GET", "/manifest.json", "", 200);
	}
	assert_int_equal(recv(idle[0], &byte, 1, 0), 0);
	for (int i = 0; i < 3 * PER_ADDRESS; i++)
		close(idle[i]);
}

static void test_access_log(void **state)
{
	struct fixture *x = *state;
	struct bytes text = {0};
	struct trouble t = {0};
	char path[96];

	serve_stop(x->serve);
	snprintf(path, sizeof path, "%s/access.log", x->directory);
	assert_int_equal(access_log_open(path, &x->access, &t), 0);
	start(x, "127.0.0.1", false);
	assert_status(x, "GET", "/manifest.json", "", 200);
	assert_status(x, "HEAD", "/" BLOB, "", 200);
	assert_status(x, "GET", "/a%0a%22b", "", 404);
	serve_stop(x->serve);
	x->serve = NULL;
	access_log_close(x->access);
	assert_int_equal(io_read_file(AT_FDCWD, path, 1u << 20, &text), 0);
	assert_int_equal(bytes_append(&text, "", 1), 0);
	assert_non_null(
		strstr((char *)text.data, "\"GET /manifest.json HTTP/1.1\" 200 10\n"));
	assert_non_null(strstr((char *)text.data, "\"HEAD /" BLOB " HTTP/1.1\" 200 0\n"));
	assert_non_null(strstr((char *)text.data, "\"GET /a\\x0a\\x22b HTTP/1.1\" 404 "));
	assert_memory_equal(text.data, "127.0.0.1 - - [", 15);
	bytes_release(&text);
}

static int fetch_blob(struct fixture *x, const char *host, bool tls, const char *cacert)
{
	struct credentials c = {.cacert = (char *)cacert};
	struct fetcher_options o = {.credentials = &c};
	struct fetcher *f;
	struct mirrors *m;
	struct fetch fetch = {.size_max = BLOB_SIZE, .path = BLOB, .impatient = true};
	char url[128];
	int rc;

	snprintf(url, sizeof url, "http%s://%s:%u/", tls ? "s" : "", host,
		serve_port(x->serve));
	assert_int_equal(fetcher_new(&o, &f, NULL), 0);
	assert_int_equal(mirrors_new(url, &m, NULL), 0);
	fetch.mirrors = m;
	fetch.deadline = clock_monotonic() + AWAIT_MOST;
	rc = fetcher_get(f, &fetch);
	if (!rc) {
		assert_int_equal(fetch.body.size, BLOB_SIZE);
		assert_memory_equal(fetch.body.data, x->blob, BLOB_SIZE);
		assert_string_equal(fetch.etag, "\"ab" HEX62 "\"");
	}
	bytes_release(&fetch.body);
	fetcher_free(f);
	mirrors_free(m);
	return rc;
}

static void test_https(void **state)
{
	struct fixture *x = *state;
	char ca[96];

	serve_stop(x->serve);
	start(x, "localhost", true);
	snprintf(ca, sizeof ca, "%s/ca.pem", x->tls);
	assert_int_equal(fetch_blob(x, "localhost", true, ca), 0);
	assert_int_equal(fetch_blob(x, "127.0.0.1", true, ca), 0);
	assert_int_equal(fetch_blob(x, "127.0.0.1", true, NULL), ERR_UNTRUSTED);
}

/* Whether a client that speaks no newer TLS than this comes to terms with the server. */
static bool shakes_hands(struct fixture *x, int newest)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL *ssl;
	int fd = dial(x);
	bool good;

	SSL_CTX_set_security_level(context, 0);
	SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(context, newest);
	ssl = SSL_new(context);
	SSL_set_fd(ssl, fd);
	good = SSL_connect(ssl) == 1;
	SSL_free(ssl);
	SSL_CTX_free(context);
	close(fd);
	return good;
}

static void test_tls_versions(void **state)
{
	struct fixture *x = *state;

	serve_stop(x->serve);
	start(x, "127.0.0.1", true);
	assert_true(shakes_hands(x, TLS1_3_VERSION));
	assert_true(shakes_hands(x, TLS1_2_VERSION));
	assert_false(shakes_hands(x, TLS1_1_VERSION));
	assert_false(shakes_hands(x, TLS1_VERSION));
}

static void test_hosts(void **state)
{
	static const char *const hosts[] = {"localhost", "0.0.0.0", NULL, ""};
	struct fixture *x = *state;

	for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
		serve_stop(x->serve);
		start(x, hosts[i], false);
		assert_int_equal(fetch_blob(x, "127.0.0.1", false, NULL), 0);
	}
}

static void test_bad_options(void **state)
{
	struct fixture *x = *state;
	struct serve_options o = {.store = x->store, .host = "127.0.0.1"};
	struct serve *s = NULL;
	struct trouble t;

	o.port = serve_port(x->serve);
	assert_int_equal(serve_start(&o, &s, &t), ERR_BUSY);
	assert_non_null(strstr(t.text, "127.0.0.1"));
	o.port = 0;
	o.host = "no such host";
	assert_int_equal(serve_start(&o, &s, &t), ERR_INVALID);
	o.host = "127.0.0.1";
	o.store = "/nonexistent/store";
	assert_int_equal(serve_start(&o, &s, &t), ERR_ABSENT);
	assert_non_null(strstr(t.text, "/nonexistent/store"));
	assert_null(s);
}

/* The lowest descriptor that is free: it stays so where none is leaked. */
static int lowest_free(void)
{
	int fd = dup(STDIN_FILENO);

	close(fd);
	return fd;
}

static void test_bad_certificate(void **state)
{
	struct fixture *x = *state;
	struct serve_options o = {.store = x->store, .host = "127.0.0.1", .tls = true};
	struct serve *s = NULL;
	struct trouble t;
	int fd = lowest_free();

	o.tls_dir = x->directory;
	put(x, "cert.pem", "junk", 4);
	put(x, "key.pem", "junk", 4);
	assert_int_equal(serve_start(&o, &s, &t), ERR_IO);
	assert_non_null(strstr(t.text, "cert.pem"));
	assert_null(s);
	assert_int_equal(lowest_free(), fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_get),
		TEST(test_head),
		TEST(test_absent),
		TEST(test_long_path),
		TEST(test_methods),
		TEST(test_bodies),
		TEST(test_range),
		TEST(test_revalidation),
		TEST(test_unreadable),
		TEST(test_connections),
		TEST(test_crowd),
		TEST(test_access_log),
		TEST(test_https),
		TEST(test_tls_versions),
		TEST(test_hosts),
		TEST(test_bad_options),
		TEST(test_bad_certificate),
	};

	signal(SIGPIPE, SIG_IGN);
	end_at_failure();
	cmocka_set_test_filter(getenv("CMOCKA_FILTER"));
#ifndef HAVE_MICROHTTPD
	(void)tests;
	return 77; /* the test driver's "skipped" */
#endif
	return cmocka_run_group_tests(tests, NULL, NULL);
}
