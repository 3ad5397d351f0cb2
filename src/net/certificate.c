/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "net/certificate.h"
#include "util/error.h"
#include "util/io.h"

#define PEM_SIZE_MAX (1u << 20)
#define HOST_SIZE 256
#define SERIAL_SIZE 16
#define DAY (24L * 60 * 60)
#define CA_DAYS 3653
#define LEAF_DAYS 825 /* the most that Apple's clients accept */
#define RENEW_DAYS 30 /* made anew when it has less than that left */
#define SKEW_DAYS 1   /* clocks of clients may be behind */

void certificate_release(struct certificate *c)
{
	X509_free(c->cert);
	EVP_PKEY_free(c->key);
	*c = (struct certificate){0};
}

/* The empty pass phrase keeps OpenSSL from asking for one at the terminal. */
static int read_cert(int dir, const char *name, X509 **out)
{
	struct bytes text = {0};
	int rc = io_read_file(dir, name, PEM_SIZE_MAX, &text);
	BIO *bio = rc ? NULL : BIO_new_mem_buf(text.data, (int)text.size);

	if (bio)
		*out = PEM_read_bio_X509(bio, NULL, NULL, (void *)"");
	BIO_free(bio);
	bytes_release(&text);
	return rc ? rc : *out ? 0 : ERR_CORRUPT;
}

static int read_key(int dir, const char *name, EVP_PKEY **out)
{
	struct bytes text = {0};
	int rc = io_read_file(dir, name, PEM_SIZE_MAX, &text);
	BIO *bio = rc ? NULL : BIO_new_mem_buf(text.data, (int)text.size);

	if (bio)
		*out = PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"");
	BIO_free(bio);
	if (text.data)
		OPENSSL_cleanse(text.data, text.capacity);
	bytes_release(&text);
	return rc ? rc : *out ? 0 : ERR_CORRUPT;
}

int certificate_read(int dir, const char *cert, const char *key, struct certificate *out)
{
	struct certificate found = {0};
	int cert_rc = read_cert(dir, cert, &found.cert);
	int key_rc = read_key(dir, key, &found.key);
	int rc = cert_rc == ERR_ABSENT || !key_rc ? cert_rc : key_rc;

	if (!rc && X509_check_private_key(found.cert, found.key) != 1)
		rc = ERR_CORRUPT;
	if (rc)
		certificate_release(&found);
	*out = found;
	return rc;
}

static int write_pem(int dir, const char *name, BIO *text, mode_t mode)
{
	char *data = NULL;
	long size = BIO_get_mem_data(text, &data);

	if (size <= 0)
		return ERR_NO_MEMORY;
	return io_replace_file(dir, name, span_of(data, (size_t)size), mode, 1);
}

/* The key first: a certificate without its key is noticed and made anew. */
int certificate_write(
	int dir, const char *cert, const char *key, const struct certificate *c)
{
	BIO *cert_bio = BIO_new(BIO_s_mem()), *key_bio = BIO_new(BIO_s_secmem());
	int rc = ERR_NO_MEMORY;

	if (cert_bio && key_bio && PEM_write_bio_X509(cert_bio, c->cert) == 1 &&
		PEM_write_bio_PrivateKey(key_bio, c->key, NULL, NULL, 0, NULL, NULL) == 1)
		rc = write_pem(dir, key, key_bio, 0600);
	if (!rc)
		rc = write_pem(dir, cert, cert_bio, 0644);
	BIO_free(cert_bio);
	BIO_free(key_bio);
	return rc;
}

/* The steps of making one return whether they worked, as OpenSSL's functions do. */
static bool set_serial(X509 *cert)
{
	unsigned char random[SERIAL_SIZE];
	BIGNUM *n = NULL;
	bool good = false;

	if (RAND_bytes(random, sizeof random) != 1)
		return false;
	random[0] &= 0x7f; /* positive (RFC 5280, 4.1.2.2) */
	random[0] |= 0x40;
	n = BN_bin2bn(random, sizeof random, NULL);
	good = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert));
	BN_free(n);
	return good;
}

static bool set_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;
	bool good;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	good = e && X509_add_ext(cert, e, -1) == 1;
	X509_EXTENSION_free(e);
	return good;
}

static bool set_subject(X509 *cert, const char *common)
{
	X509_NAME *name = X509_get_subject_name(cert);

	return X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC,
		       (const unsigned char *)PACKAGE_NAME, -1, -1, 0) == 1 &&
	       X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
		       (const unsigned char *)common, -1, -1, 0) == 1;
}

/* All that a CA and a leaf have in common, but the signature. */
static X509 *certificate_begin(EVP_PKEY *key, X509 *issuer, const char *common, int days)
{
	X509 *cert = X509_new();
	X509 *signer = issuer ? issuer : cert;

	if (cert && X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) &&
		X509_gmtime_adj(X509_getm_notBefore(cert), -SKEW_DAYS * DAY) &&
		X509_time_adj_ex(X509_getm_notAfter(cert), days, 0, NULL) &&
		X509_set_pubkey(cert, key) == 1 && set_subject(cert, common) &&
		X509_set_issuer_name(cert, X509_get_subject_name(signer)) == 1 &&
		set_extension(cert, signer, NID_subject_key_identifier, "hash"))
		return cert;
	X509_free(cert);
	return NULL;
}

bool certificate_make_ca(struct certificate *out)
{
	char common[128], machine[HOST_SIZE] = "";
	struct certificate made = {0};

	gethostname(machine, sizeof machine - 1);
	/* ub-common-name of RFC 5280 is 64. */
	snprintf(common, sizeof common, "CA of cairn serve on %.40s",
		machine[0] ? machine : "localhost");
	made.key = EVP_EC_gen("P-256");
	if (made.key)
		made.cert = certificate_begin(made.key, NULL, common, CA_DAYS);
	if (made.cert &&
		set_extension(made.cert, made.cert, NID_basic_constraints,
			"critical,CA:TRUE,pathlen:0") &&
		set_extension(made.cert, made.cert, NID_key_usage,
			"critical,keyCertSign,cRLSign") &&
		X509_sign(made.cert, made.key, EVP_sha256()) > 0) {
		*out = made;
		return true;
	}
	certificate_release(&made);
	return false;
}

bool certificate_make_leaf(
	const struct certificate *ca, GENERAL_NAMES *names, struct certificate *out)
{
	struct certificate made = {.key = EVP_EC_gen("P-256")};
	bool good;

	if (made.key)
		made.cert = certificate_begin(made.key, ca->cert, "localhost", LEAF_DAYS);
	good = made.cert &&
	       set_extension(
		       made.cert, ca->cert, NID_authority_key_identifier, "keyid:always") &&
	       set_extension(
		       made.cert, ca->cert, NID_basic_constraints, "critical,CA:FALSE") &&
	       set_extension(
		       made.cert, ca->cert, NID_key_usage, "critical,digitalSignature") &&
	       set_extension(made.cert, ca->cert, NID_ext_key_usage, "serverAuth") &&
	       X509_add1_ext_i2d(made.cert, NID_subject_alt_name, names, 0, 0) == 1 &&
	       X509_sign(made.cert, ca->key, EVP_sha256()) > 0;
	if (good)
		*out = made;
	else
		certificate_release(&made);
	return good;
}

bool certificate_is_current(const struct certificate *c)
{
	time_t later = time(NULL) + RENEW_DAYS * DAY;

	return X509_cmp_time(X509_get0_notAfter(c->cert), &later) > 0 &&
	       X509_cmp_current_time(X509_get0_notBefore(c->cert)) < 0;
}

bool certificate_is_of(const struct certificate *c, const struct certificate *ca)
{
	return X509_verify(c->cert, X509_get0_pubkey(ca->cert)) == 1;
}

bool certificate_is_foreign(int dir, const char *cert_name, const struct certificate *ca)
{
	X509 *cert = NULL;
	bool foreign = read_cert(dir, cert_name, &cert) == 0 &&
		       X509_NAME_cmp(X509_get_issuer_name(cert),
			       X509_get_subject_name(ca->cert)) != 0;

	X509_free(cert);
	return foreign;
}

bool certificate_days_left(int dir, const char *cert_name, int *days)
{
	X509 *cert = NULL;
	int seconds = 0, left = 0;
	bool good = read_cert(dir, cert_name, &cert) == 0 &&
		    ASN1_TIME_diff(&left, &seconds, NULL, X509_get0_notAfter(cert)) == 1;

	X509_free(cert);
	if (good)
		*days = seconds < 0 ? left - 1 : left;
	return good;
}
