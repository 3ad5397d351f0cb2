/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "net/client_key.h"

struct key_question {
	const char *password; /* NULL: there is none to give */
	bool asked;
};

static int on_password(char *buffer, int size, int writing, void *arg)
{
	struct key_question *q = arg;
	size_t length = q->password ? strlen(q->password) : 0;

	(void)writing;
	q->asked = true;
	if (length == 0 || length > (size_t)size)
		return -1;
	memcpy(buffer, q->password, length);
	return (int)length;
}

/* NULL also of a FIFO, which would wait for a writer. */
static BIO *open_pem(const char *file)
{
	struct stat st;

	return stat(file, &st) == 0 && S_ISREG(st.st_mode) ? BIO_new_file(file, "r") : NULL;
}

static EVP_PKEY *read_client_key(const char *file, struct key_question *q)
{
	BIO *bio = open_pem(file);
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, on_password, q) : NULL;

	BIO_free(bio);
	ERR_clear_error();
	return key;
}

static X509 *read_certificate(const char *file)
{
	BIO *bio = open_pem(file);
	X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

	BIO_free(bio);
	ERR_clear_error();
	return cert;
}

bool client_key_is_encrypted(const char *file)
{
	struct key_question q = {0};

	EVP_PKEY_free(read_client_key(file, &q));
	return q.asked;
}

static int no_key(const char *file, const struct key_question *q, struct trouble *t)
{
	if (!q->asked)
		return trouble_set(t, ERR_INVALID,
			"there is no private key in %s (PEM, as --cert-key wants it)",
			file);
	if (!q->password)
		return trouble_set(t, ERR_DENIED,
			"the client key %s needs a password, and there is no terminal to "
			"ask "
			"for it: `openssl pkey -in %s` writes one that needs none",
			file, file);
	return trouble_set(
		t, ERR_DENIED, "the password of the client key %s is wrong", file);
}

int client_key_check(
	const char *cert, const char *key, const char *password, struct trouble *t)
{
	struct key_question q = {.password = password};
	const char *key_file = key ? key : cert;
	EVP_PKEY *private = read_client_key(key_file, &q);
	X509 *certificate = read_certificate(cert);
	int rc = 0;

	if (!certificate)
		rc = trouble_set(t, ERR_INVALID,
			"there is no certificate in %s (PEM, as --cert wants it)", cert);
	else if (!private)
		rc = no_key(key_file, &q, t);
	else if (X509_check_private_key(certificate, private) != 1)
		rc = trouble_set(t, ERR_INVALID,
			"the client key %s does not belong to the certificate %s", key_file,
			cert);
	ERR_clear_error();
	X509_free(certificate);
	EVP_PKEY_free(private);
	return rc;
}
