/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <openssl/pem.h>

#include "net/client_key.h"
#include "net/serve_certificate.h"

static char directory[64], cert[128], key[128], sealed[128], other[128];

static void seal(void)
{
	FILE *in = fopen(key, "r"), *out = fopen(sealed, "w");
	EVP_PKEY *k = PEM_read_PrivateKey(in, NULL, NULL, NULL);

	assert_non_null(k);
	assert_int_equal(PEM_write_PrivateKey(out, k, EVP_aes_128_cbc(),
				 (const unsigned char *)"secret", 6, NULL, NULL),
		1);
	EVP_PKEY_free(k);
	fclose(in);
	fclose(out);
}

static int make(void **state)
{
	char below[96];

	(void)state;
	strcpy(directory, "/tmp/cairn-test-XXXXXX");
	assert_non_null(mkdtemp(directory));
	snprintf(below, sizeof below, "%s/other", directory);
	assert_int_equal(mkdir(below, 0700), 0);
	assert_int_equal(serve_certificate_make(directory, "localhost", NULL), 0);
	assert_int_equal(serve_certificate_make(below, "localhost", NULL), 0);
	snprintf(cert, sizeof cert, "%s/cert.pem", directory);
	snprintf(key, sizeof key, "%s/key.pem", directory);
	snprintf(sealed, sizeof sealed, "%s/sealed.pem", directory);
	snprintf(other, sizeof other, "%s/key.pem", below);
	seal();
	return 0;
}

static int clean(void **state)
{
	char command[96];

	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", directory);
	return system(command);
}

static void check(
	const char *c, const char *k, const char *password, int rc, const char *says)
{
	struct trouble t = {0};

	assert_int_equal(client_key_check(c, k, password, &t), rc);
	if (!strstr(t.text, says))
		fail_msg("\"%s\" lacks \"%s\"", t.text, says);
}

/* Nothing here asks a terminal, were there one. */
static void test_check(void **state)
{
	(void)state;
	check(cert, key, NULL, 0, "");
	check(cert, key, "unneeded", 0, "");
	check(cert, sealed, "secret", 0, "");
	check(cert, sealed, NULL, ERR_DENIED, "needs a password");
	check(cert, sealed, "", ERR_DENIED, "is wrong");
	check(cert, sealed, "guess", ERR_DENIED, "is wrong");
	check(cert, other, NULL, ERR_INVALID, "does not belong to");
	check(cert, NULL, NULL, ERR_INVALID, "no private key in");
	check(key, NULL, NULL, ERR_INVALID, "no certificate in");
	check(cert, cert, NULL, ERR_INVALID, "no private key in");
	check("/nonexistent", key, NULL, ERR_INVALID, "no certificate in");
}

static void test_encrypted(void **state)
{
	(void)state;
	assert_true(client_key_is_encrypted(sealed));
	assert_false(client_key_is_encrypted(key));
	assert_false(client_key_is_encrypted(cert));
	assert_false(client_key_is_encrypted("/nonexistent"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_encrypted),
	};

	return cmocka_run_group_tests(tests, make, clean);
}
