/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "net/serve_certificate.h"
#include "util/io.h"
#include "unit/await.h"

#define DAY (24L * 60 * 60)

struct fixture {
	char directory[64], tls[80];
};

static int setup(void **state)
{
	struct fixture *x = calloc(1, sizeof *x);

	strcpy(x->directory, "/tmp/cairn-test-XXXXXX");
	assert_non_null(mkdtemp(x->directory));
	snprintf(x->tls, sizeof x->tls, "%s/a/tls", x->directory);
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;
	char command[96];

	snprintf(command, sizeof command, "rm -rf %s", x->directory);
	assert_int_equal(system(command), 0);
	free(x);
	return 0;
}

static const char *path_of(struct fixture *x, const char *name)
{
	static _Thread_local char path[128];

	snprintf(path, sizeof path, "%s/%s", x->tls, name);
	return path;
}

static void make(struct fixture *x, const char *host)
{
	struct trouble t = {0};

	if (serve_certificate_make(x->tls, host, &t))
		fail_msg("%s", t.text);
}

static X509 *read_certificate(struct fixture *x, const char *name)
{
	FILE *file = fopen(path_of(x, name), "r");
	X509 *cert;

	assert_non_null(file);
	cert = PEM_read_X509(file, NULL, NULL, NULL);
	fclose(file);
	assert_non_null(cert);
	return cert;
}

static EVP_PKEY *read_key(struct fixture *x, const char *name)
{
	FILE *file = fopen(path_of(x, name), "r");
	EVP_PKEY *key;

	assert_non_null(file);
	key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
	fclose(file);
	assert_non_null(key);
	return key;
}

static void write_certificate(struct fixture *x, const char *name, X509 *cert)
{
	FILE *file = fopen(path_of(x, name), "w");

	assert_int_equal(PEM_write_X509(file, cert), 1);
	fclose(file);
}

/* As a client does: chain, time, purpose and name. */
static bool verifies(struct fixture *x, const char *host, bool address)
{
	X509 *ca = read_certificate(x, "ca.pem"), *cert = read_certificate(x, "cert.pem");
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;
	bool good;

	X509_STORE_add_cert(store, ca);
	X509_STORE_CTX_init(ctx, store, cert, NULL);
	X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER);
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT);
	if (address)
		X509_VERIFY_PARAM_set1_ip_asc(param, host);
	else
		X509_VERIFY_PARAM_set1_host(param, host, 0);
	good = X509_verify_cert(ctx) == 1;
	if (!good)
		print_message("%s: %s\n", host,
			X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	X509_free(ca);
	X509_free(cert);
	return good;
}

static void assert_mode(struct fixture *x, const char *name, mode_t mode)
{
	struct stat st;

	assert_int_equal(stat(path_of(x, name), &st), 0);
	assert_int_equal(st.st_mode & 07777, mode);
}

static void assert_days(const X509 *cert, int days)
{
	int got, seconds;

	ASN1_TIME_diff(&got, &seconds, NULL, X509_get0_notAfter(cert));
	assert_in_range(got, days - 1, days);
}

static void test_make(void **state)
{
	struct fixture *x = *state;
	char machine[256] = "";
	X509 *cert;
	EVP_PKEY *key;

	make(x, "data.test");
	assert_true(verifies(x, "localhost", false));
	assert_true(verifies(x, "data.test", false));
	assert_true(verifies(x, "127.0.0.1", true));
	assert_true(verifies(x, "::1", true));
	gethostname(machine, sizeof machine - 1);
	assert_true(verifies(x, machine, false));
	assert_false(verifies(x, "other.test", false));
	assert_mode(x, "key.pem", 0600);
	assert_mode(x, "ca-key.pem", 0600);
	assert_mode(x, "cert.pem", 0644);
	assert_mode(x, ".", 0700);
	cert = read_certificate(x, "cert.pem");
	key = read_key(x, "key.pem");
	assert_int_equal(X509_check_private_key(cert, key), 1);
	assert_int_equal(EVP_PKEY_get_bits(key), 256);
	assert_int_equal(X509_check_ca(cert), 0);
	assert_days(cert, 825);
	X509_free(cert);
	EVP_PKEY_free(key);
	cert = read_certificate(x, "ca.pem");
	assert_int_equal(X509_check_ca(cert), 1);
	assert_days(cert, 3653);
	X509_free(cert);
}

/* Which of the four files a call has replaced. */
struct versions {
	ino_t ca, ca_key, cert, key;
};

static ino_t inode_of(struct fixture *x, const char *name)
{
	struct stat st;

	return stat(path_of(x, name), &st) == 0 ? st.st_ino : 0;
}

static struct versions versions_of(struct fixture *x)
{
	return (struct versions){inode_of(x, "ca.pem"), inode_of(x, "ca-key.pem"),
		inode_of(x, "cert.pem"), inode_of(x, "key.pem")};
}

static void assert_replaced(struct fixture *x, struct versions before, bool ca, bool leaf)
{
	struct versions now = versions_of(x);

	assert_int_equal(now.ca != before.ca, ca);
	assert_int_equal(now.ca_key != before.ca_key, ca);
	assert_int_equal(now.cert != before.cert, leaf);
	assert_int_equal(now.key != before.key, leaf);
	assert_true(verifies(x, "localhost", false));
}

/* Links to all files, so that the inode of one that is replaced is not used again. */
static struct versions keep(struct fixture *x)
{
	static const char *const names[] = {"ca.pem", "ca-key.pem", "cert.pem", "key.pem"};
	char link_path[128];

	for (int i = 0; i < 4; i++) {
		snprintf(link_path, sizeof link_path, "%s/kept-%d", x->directory, i);
		unlink(link_path);
		if (link(path_of(x, names[i]), link_path) != 0)
			continue;
	}
	return versions_of(x);
}

static void test_kept(void **state)
{
	struct fixture *x = *state;
	struct versions before;

	make(x, "localhost");
	before = keep(x);
	make(x, "localhost");
	make(x, "127.0.0.1");
	make(x, NULL);
	make(x, "0.0.0.0");
	assert_replaced(x, before, false, false);
	make(x, "new.test");
	assert_replaced(x, before, false, true);
	assert_true(verifies(x, "new.test", false));
	before = keep(x);
	make(x, "10.1.2.3");
	assert_replaced(x, before, false, true);
	assert_true(verifies(x, "10.1.2.3", true));
}

/* Signs `cert` again, so that it ends `days` from now. */
static void resign(struct fixture *x, const char *name, long days)
{
	X509 *cert = read_certificate(x, name);
	EVP_PKEY *ca_key = read_key(x, "ca-key.pem");

	X509_gmtime_adj(X509_getm_notAfter(cert), days * DAY);
	assert_true(X509_sign(cert, ca_key, EVP_sha256()) > 0);
	write_certificate(x, name, cert);
	X509_free(cert);
	EVP_PKEY_free(ca_key);
}

static void test_expiring(void **state)
{
	struct fixture *x = *state;
	struct versions before;

	make(x, "localhost");
	resign(x, "cert.pem", 40);
	before = keep(x);
	make(x, "localhost");
	assert_replaced(x, before, false, false);
	resign(x, "cert.pem", 20);
	before = keep(x);
	make(x, "localhost");
	assert_replaced(x, before, false, true);
	resign(x, "ca.pem", -1);
	before = keep(x);
	make(x, "localhost");
	assert_replaced(x, before, true, true);
}

static void spoil(struct fixture *x, const char *name)
{
	assert_int_equal(io_replace_file(AT_FDCWD, path_of(x, name), span_of_string("junk"),
				 0600, 0),
		0);
}

/* The server's own is made anew, from the same CA. */
static void test_spoilt(void **state)
{
	static const char *const names[] = {"cert.pem", "key.pem"};
	struct fixture *x = *state;

	make(x, "localhost");
	for (size_t i = 0; i < 2; i++) {
		struct versions before;

		spoil(x, names[i]);
		before = keep(x);
		make(x, "localhost");
		assert_replaced(x, before, false, true);
		assert_int_equal(unlink(path_of(x, names[i])), 0);
		make(x, "localhost");
		assert_true(verifies(x, "localhost", false));
	}
}

static void assert_refused(struct fixture *x, const char *word)
{
	struct versions before = versions_of(x), now;
	struct trouble t = {0};

	assert_int_not_equal(serve_certificate_make(x->tls, "localhost", &t), 0);
	assert_non_null(strstr(t.text, word));
	now = versions_of(x);
	assert_memory_equal(&now, &before, sizeof now);
}

/* Readers have the CA's ca.pem: it is never made anew because it cannot be read. */
static void test_ca_spoilt(void **state)
{
	struct fixture *x = *state;

	make(x, "localhost");
	spoil(x, "ca-key.pem");
	assert_refused(x, "ca-key.pem");
	assert_int_equal(unlink(path_of(x, "ca-key.pem")), 0);
	assert_int_equal(mkdir(path_of(x, "ca-key.pem"), 0700), 0);
	assert_refused(x, "ca-key.pem");
	assert_int_equal(rmdir(path_of(x, "ca-key.pem")), 0);
	assert_int_equal(unlink(path_of(x, "cert.pem")), 0);
	assert_refused(x, "put the key back");
	assert_int_equal(unlink(path_of(x, "ca.pem")), 0);
	make(x, "localhost");
	assert_true(verifies(x, "localhost", false));
	spoil(x, "ca.pem");
	assert_refused(x, "ca.pem");
}

/* Put into the directory beside our CA's key, or half of it so far. */
static void test_another_issuer(void **state)
{
	struct fixture *x = *state;
	struct versions before;
	X509_NAME *name = X509_NAME_new();
	EVP_PKEY *key;
	X509 *cert;

	make(x, "localhost");
	cert = read_certificate(x, "cert.pem");
	X509_NAME_add_entry_by_txt(
		name, "CN", MBSTRING_ASC, (const unsigned char *)"R3", -1, -1, 0);
	X509_set_issuer_name(cert, name);
	key = read_key(x, "ca-key.pem");
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	EVP_PKEY_free(key);
	write_certificate(x, "cert.pem", cert);
	before = versions_of(x);
	make(x, "new.test");
	assert_int_equal(versions_of(x).cert, before.cert);
	assert_int_equal(versions_of(x).key, before.key);
	X509_NAME_free(name);
	X509_free(cert);
}

static void test_foreign(void **state)
{
	struct fixture *x = *state;
	struct versions before;

	make(x, "localhost");
	/* Of another CA. */
	assert_int_equal(rename(path_of(x, "ca.pem"), "/dev/null/x"), -1);
	assert_int_equal(unlink(path_of(x, "ca.pem")), 0);
	before = keep(x);
	make(x, "localhost");
	assert_replaced(x, before, true, true);
	/* Somebody's own, whatever it holds. */
	assert_int_equal(unlink(path_of(x, "ca-key.pem")), 0);
	spoil(x, "cert.pem");
	before = keep(x);
	make(x, "new.test");
	assert_int_equal(versions_of(x).cert, before.cert);
	assert_int_equal(versions_of(x).key, before.key);
	assert_int_equal(inode_of(x, "ca-key.pem"), 0);
}

static void test_odd_hosts(void **state)
{
	static const char *const hosts[] = {
		"", "::", "a b", "a,DNS:evil.test", "\xc3\xa9", "*.test", "fe80::1"};
	struct fixture *x = *state;

	for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
		make(x, hosts[i]);
		assert_true(verifies(x, "localhost", false));
		assert_false(verifies(x, "evil.test", false));
	}
}

static void test_no_directory(void **state)
{
	struct fixture *x = *state;
	struct trouble t = {0};
	char path[128];

	snprintf(path, sizeof path, "%s/file", x->directory);
	assert_int_equal(io_replace_file(AT_FDCWD, path, span_of_string(""), 0600, 0), 0);
	snprintf(path, sizeof path, "%s/file/tls", x->directory);
	assert_int_not_equal(serve_certificate_make(path, "localhost", &t), 0);
	assert_non_null(strstr(t.text, path));
}

static void *make_main(void *arg)
{
	make(arg, "localhost");
	return NULL;
}

static void test_at_once(void **state)
{
	struct fixture *x = *state;
	pthread_t threads[4];
	X509 *cert;
	EVP_PKEY *key;

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, make_main, x);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_true(verifies(x, "localhost", false));
	cert = read_certificate(x, "cert.pem");
	key = read_key(x, "key.pem");
	assert_int_equal(X509_check_private_key(cert, key), 1);
	X509_free(cert);
	EVP_PKEY_free(key);
}

/* Somebody's own is not made anew: who starts the server is told. */
static void test_end(void **state)
{
	struct fixture *x = *state;
	struct trouble t = {0};

	assert_false(serve_certificate_ends(x->tls, &t));
	make(x, "localhost");
	assert_false(serve_certificate_ends(x->tls, &t));
	resign(x, "cert.pem", 7);
	assert_true(serve_certificate_ends(x->tls, &t));
	assert_non_null(strstr(t.text, "ends in"));
	resign(x, "cert.pem", -1);
	assert_true(serve_certificate_ends(x->tls, &t));
	assert_non_null(strstr(t.text, "has expired"));
	spoil(x, "cert.pem");
	assert_false(serve_certificate_ends(x->tls, &t));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_make),
		TEST(test_kept),
		TEST(test_expiring),
		TEST(test_spoilt),
		TEST(test_ca_spoilt),
		TEST(test_another_issuer),
		TEST(test_foreign),
		TEST(test_odd_hosts),
		TEST(test_no_directory),
		TEST(test_end),
		TEST(test_at_once),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
