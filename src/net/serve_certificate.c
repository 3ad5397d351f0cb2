/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "net/serve.h"
#include "util/io.h"

#define PEM_SIZE_MAX (1u << 20)
#define HOST_SIZE 256
#define SERIAL_SIZE 16
#define DAY (24L * 60 * 60)
#define CA_DAYS 3653
#define LEAF_DAYS 825 /* the most that Apple's clients accept */
#define RENEW_DAYS 30 /* made anew when it has less than that left */
#define SKEW_DAYS 1   /* clocks of clients may be behind */

/* A certificate with its private key; either both or none. */
struct identity {
	X509 *cert;
	EVP_PKEY *key;
};

static void identity_release(struct identity *id)
{
	X509_free(id->cert);
	EVP_PKEY_free(id->key);
	*id = (struct identity){0};
}

/* Reading. */

static BIO *open_pem(int dir, const char *name, struct bytes *text)
{
	if (io_read_file(dir, name, PEM_SIZE_MAX, text) != 0)
		return NULL;
	return BIO_new_mem_buf(text->data, (int)text->size);
}

/* Empty when one of the files is missing or they do not belong together. */
static void identity_read(int dir, const char *cert, const char *key, struct identity *out)
{
	struct bytes cert_text = {0}, key_text = {0};
	struct identity id = {0};
	BIO *cert_bio = open_pem(dir, cert, &cert_text);
	BIO *key_bio = open_pem(dir, key, &key_text);

	/* The empty pass phrase keeps OpenSSL from asking for one at the terminal. */
	if (cert_bio)
		id.cert = PEM_read_bio_X509(cert_bio, NULL, NULL, (void *)"");
	if (key_bio)
		id.key = PEM_read_bio_PrivateKey(key_bio, NULL, NULL, (void *)"");
	if (id.cert && id.key && X509_check_private_key(id.cert, id.key) == 1)
		*out = id;
	else
		identity_release(&id);
	BIO_free(cert_bio);
	BIO_free(key_bio);
	if (key_text.data)
		OPENSSL_cleanse(key_text.data, key_text.size);
	bytes_release(&cert_text);
	bytes_release(&key_text);
}

static bool is_current(const X509 *cert)
{
	time_t later = time(NULL) + RENEW_DAYS * DAY;

	return X509_cmp_time(X509_get0_notAfter(cert), &later) > 0 &&
	       X509_cmp_current_time(X509_get0_notBefore(cert)) < 0;
}

static bool is_address(const char *host)
{
	struct in6_addr any;

	return inet_pton(AF_INET, host, &any) == 1 || inet_pton(AF_INET6, host, &any) == 1;
}

static bool covers(X509 *cert, const char *host)
{
	if (is_address(host))
		return X509_check_ip_asc(cert, host, 0) == 1;
	return X509_check_host(cert, host, 0, 0, NULL) == 1;
}

/* Names. */

static int push_name(GENERAL_NAMES *names, int type, const void *data, size_t size)
{
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_STRING *value = ASN1_STRING_type_new(
		type == GEN_IPADD ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);

	if (!name || !value || ASN1_STRING_set(value, data, (int)size) != 1) {
		GENERAL_NAME_free(name);
		ASN1_STRING_free(value);
		return ERR_NO_MEMORY;
	}
	GENERAL_NAME_set0_value(name, type, value);
	if (sk_GENERAL_NAME_push(names, name) > 0)
		return 0;
	GENERAL_NAME_free(name);
	return ERR_NO_MEMORY;
}

static int push_host(GENERAL_NAMES *names, const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789.-_";

	if (inet_pton(AF_INET, host, &v4) == 1)
		return push_name(names, GEN_IPADD, &v4, sizeof(v4));
	if (inet_pton(AF_INET6, host, &v6) == 1)
		return push_name(names, GEN_IPADD, &v6, sizeof(v6));
	if (!host[0] || host[strspn(host, allowed)])
		return 0; /* no name that a client could ask for */
	return push_name(names, GEN_DNS, host, strlen(host));
}

/* The addresses of the machine's interfaces, for clients that know it by these. */
static int push_addresses(GENERAL_NAMES *names)
{
	struct ifaddrs *list;
	int rc = 0;

	if (getifaddrs(&list) != 0)
		return 0;
	for (struct ifaddrs *i = list; i && !rc; i = i->ifa_next) {
		const struct sockaddr *a = i->ifa_addr;

		if (a && a->sa_family == AF_INET)
			rc = push_name(names, GEN_IPADD,
				&((const struct sockaddr_in *)a)->sin_addr,
				sizeof(struct in_addr));
		else if (a && a->sa_family == AF_INET6)
			rc = push_name(names, GEN_IPADD,
				&((const struct sockaddr_in6 *)a)->sin6_addr,
				sizeof(struct in6_addr));
	}
	freeifaddrs(list);
	return rc;
}

static bool is_wildcard(const char *host)
{
	return !host || !host[0] || !strcmp(host, "0.0.0.0") || !strcmp(host, "::");
}

static GENERAL_NAMES *collect_names(const char *host)
{
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	char machine[HOST_SIZE] = "";
	int rc;

	if (!names)
		return NULL;
	gethostname(machine, sizeof(machine) - 1);
	rc = push_host(names, "localhost");
	if (!rc)
		rc = push_host(names, "127.0.0.1");
	if (!rc)
		rc = push_host(names, "::1");
	if (!rc)
		rc = push_host(names, machine);
	if (!rc && strchr(machine, '.')) {
		machine[strcspn(machine, ".")] = '\0';
		rc = push_host(names, machine);
	}
	if (!rc)
		rc = is_wildcard(host) ? push_addresses(names) : push_host(names, host);
	if (!rc)
		return names;
	GENERAL_NAMES_free(names);
	return NULL;
}

/* Making. Each step returns whether it worked, as OpenSSL's functions do. */

static bool set_serial(X509 *cert)
{
	unsigned char random[SERIAL_SIZE];
	BIGNUM *n = NULL;
	bool good = false;

	if (RAND_bytes(random, sizeof(random)) != 1)
		return false;
	random[0] &= 0x7f; /* positive (RFC 5280, 4.1.2.2) */
	random[0] |= 0x40;
	n = BN_bin2bn(random, sizeof(random), NULL);
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

static bool set_name(X509 *cert, const char *common)
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
		X509_set_pubkey(cert, key) == 1 && set_name(cert, common) &&
		X509_set_issuer_name(cert, X509_get_subject_name(signer)) == 1 &&
		set_extension(cert, signer, NID_subject_key_identifier, "hash"))
		return cert;
	X509_free(cert);
	return NULL;
}

static bool make_ca(struct identity *out)
{
	char common[64 + HOST_SIZE] = "", machine[HOST_SIZE] = "";
	struct identity id = {0};

	gethostname(machine, sizeof(machine) - 1);
	/* ub-common-name of RFC 5280 is 64. */
	snprintf(common, sizeof(common), "CA of cairn serve on %.40s",
		machine[0] ? machine : "localhost");
	id.key = EVP_EC_gen("P-256");
	if (id.key)
		id.cert = certificate_begin(id.key, NULL, common, CA_DAYS);
	if (id.cert &&
		set_extension(id.cert, id.cert, NID_basic_constraints,
			"critical,CA:TRUE,pathlen:0") &&
		set_extension(
			id.cert, id.cert, NID_key_usage, "critical,keyCertSign,cRLSign") &&
		X509_sign(id.cert, id.key, EVP_sha256()) > 0) {
		*out = id;
		return true;
	}
	identity_release(&id);
	return false;
}

static bool make_leaf(const struct identity *ca, const char *host, struct identity *out)
{
	GENERAL_NAMES *names = collect_names(host);
	struct identity id = {.key = EVP_EC_gen("P-256")};
	bool good = names && id.key;

	if (good)
		id.cert = certificate_begin(id.key, ca->cert, "localhost", LEAF_DAYS);
	good = good && id.cert &&
	       set_extension(
		       id.cert, ca->cert, NID_authority_key_identifier, "keyid:always") &&
	       set_extension(
		       id.cert, ca->cert, NID_basic_constraints, "critical,CA:FALSE") &&
	       set_extension(
		       id.cert, ca->cert, NID_key_usage, "critical,digitalSignature") &&
	       set_extension(id.cert, ca->cert, NID_ext_key_usage, "serverAuth") &&
	       X509_add1_ext_i2d(id.cert, NID_subject_alt_name, names, 0, 0) == 1 &&
	       X509_sign(id.cert, ca->key, EVP_sha256()) > 0;
	GENERAL_NAMES_free(names);
	if (good)
		*out = id;
	else
		identity_release(&id);
	return good;
}

/* Writing. */

static int write_pem(int dir, const char *name, BIO *text, mode_t mode)
{
	char *data = NULL;
	long size = BIO_get_mem_data(text, &data);

	if (size <= 0)
		return ERR_NO_MEMORY;
	return io_replace_file(dir, name, span_of(data, (size_t)size), mode, 1);
}

/* The key first: a certificate without its key is noticed and made anew. */
static int identity_write(
	int dir, const char *cert, const char *key, const struct identity *id)
{
	BIO *cert_bio = BIO_new(BIO_s_mem()), *key_bio = BIO_new(BIO_s_secmem());
	int rc = ERR_NO_MEMORY;

	if (cert_bio && key_bio && PEM_write_bio_X509(cert_bio, id->cert) == 1 &&
		PEM_write_bio_PrivateKey(key_bio, id->key, NULL, NULL, 0, NULL, NULL) == 1)
		rc = write_pem(dir, key, key_bio, 0600);
	if (!rc)
		rc = write_pem(dir, cert, cert_bio, 0644);
	BIO_free(cert_bio);
	BIO_free(key_bio);
	return rc;
}

static bool exists(int dir, const char *name)
{
	return faccessat(dir, name, F_OK, 0) == 0;
}

static int make_anew(int dir, const char *what, bool made, const char *cert,
	const char *key, const struct identity *id, struct trouble *t)
{
	int rc = made ? identity_write(dir, cert, key, id) : ERR_IO;

	if (rc)
		trouble_set(t, rc, "%s could not be made: %s", what,
			made ? error_text(rc) : "OpenSSL failed");
	return rc;
}

static int ensure_ca(int dir, struct identity *ca, struct trouble *t)
{
	identity_read(dir, "ca.pem", "ca-key.pem", ca);
	if (ca->cert && is_current(ca->cert))
		return 0;
	identity_release(ca);
	return make_anew(dir, "the CA", make_ca(ca), "ca.pem", "ca-key.pem", ca, t);
}

/* With the directory locked. */
static int ensure_all(int dir, const char *host, struct trouble *t)
{
	struct identity ca = {0}, leaf = {0};
	int rc;

	/* Somebody's own certificate: it is used as it is. */
	if (exists(dir, "cert.pem") && exists(dir, "key.pem") && !exists(dir, "ca-key.pem"))
		return 0;
	rc = ensure_ca(dir, &ca, t);
	if (rc)
		goto out;
	identity_read(dir, "cert.pem", "key.pem", &leaf);
	if (leaf.cert && is_current(leaf.cert) &&
		X509_verify(leaf.cert, X509_get0_pubkey(ca.cert)) == 1 &&
		(is_wildcard(host) || covers(leaf.cert, host)))
		goto out;
	identity_release(&leaf);
	rc = make_anew(dir, "the server's certificate", make_leaf(&ca, host, &leaf),
		"cert.pem", "key.pem", &leaf, t);
out:
	identity_release(&ca);
	identity_release(&leaf);
	/* The queue of errors is per thread and shared with libcurl: leave none. */
	ERR_clear_error();
	return rc;
}

int serve_make_certificate(const char *tls_dir, const char *host, struct trouble *t)
{
	int rc = io_make_directories(tls_dir, 0700), dir;

	if (rc)
		return trouble_errno(t, "cannot make the directory %s", tls_dir);
	dir = open(tls_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return trouble_errno(t, "the directory %s cannot be opened", tls_dir);
	/* Two servers that start at once would mix their keys and certificates. */
	while (flock(dir, LOCK_EX) != 0 && errno == EINTR)
		;
	rc = ensure_all(dir, host, t);
	close(dir);
	return rc;
}
