/* SPDX-License-Identifier: MIT */
/*
 * X.509 certificates of the embedded server, each with its private key: a CA of its own
 * (ECDSA P-256, 10 years) and a leaf that this CA signs (825 days); made with OpenSSL,
 * read from and written to PEM files. Any thread. What fails leaves its errors in OpenSSL's
 * queue of the thread, for the caller to clear.
 */
#ifndef CAIRN_NET_CERTIFICATE_H
#define CAIRN_NET_CERTIFICATE_H

#include <stdbool.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

/* Either both or none; zero-initialised is none. */
struct certificate {
	X509 *cert;
	EVP_PKEY *key;
};

void certificate_release(struct certificate *c);

/* From two files of a directory. ERR_ABSENT when one of them is not there, ERR_CORRUPT when
 * they are not PEM, do not belong together or the key is encrypted, else what reading them
 * said. *out is none then. */
int certificate_read(
	int dir, const char *cert_name, const char *key_name, struct certificate *out);
/* To two files of a directory, atomically each, readable by all and (the key) by the owner
 * only. */
int certificate_write(
	int dir, const char *cert_name, const char *key_name, const struct certificate *c);

/* False when OpenSSL failed; *out is untouched then. */
bool certificate_make_ca(struct certificate *out);
/* Good for a server of these names (subject alternative names), which are borrowed. */
bool certificate_make_leaf(
	const struct certificate *ca, GENERAL_NAMES *names, struct certificate *out);

/* Whether it is valid now and a month from now. */
bool certificate_is_current(const struct certificate *c);
/* Whether the CA signed it. */
bool certificate_is_of(const struct certificate *c, const struct certificate *ca);
/* Whether there is a certificate in that file, and it names another issuer than this CA. */
bool certificate_is_foreign(int dir, const char *cert_name, const struct certificate *ca);

/* Days until it ends, negative when it has; of the first one in that file. False when there
 * is none. */
bool certificate_days_left(int dir, const char *cert_name, int *days);

#endif
