/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "format/signature.h"
#include "util/base64.h"
#include "util/digest.h"

#define PEM_SIZE_MAX 65536
#define TEXT_PREFIX "ed25519:"
#define TEXT_PREFIX_SIZE (sizeof(TEXT_PREFIX) - 1)
#define TEXT_KEY_SIZE 43 /* 32 bytes of base64 without the '=' */

struct private_key {
	EVP_PKEY *pkey;
	struct public_key public;
};

/* OpenSSL's queue of errors is per thread and shared with libcurl: leave none. That it had
 * no memory is no word about a key or a signature; malloc() says so in errno, which the
 * caller has set to 0. */
static int signature_fail(int code)
{
	bool starved = errno == ENOMEM;

	ERR_clear_error();
	return starved ? ERR_NO_MEMORY : code;
}

/* Takes `pkey` over. */
static int private_key_new(EVP_PKEY *pkey, struct private_key **out)
{
	size_t size = PUBLIC_KEY_SIZE;
	struct private_key *k = NULL;
	int rc = ERR_CORRUPT;

	if (EVP_PKEY_base_id(pkey) != EVP_PKEY_ED25519)
		goto out;
	rc = ERR_NO_MEMORY;
	k = calloc(1, sizeof *k);
	if (!k || EVP_PKEY_get_raw_public_key(pkey, k->public.bytes, &size) != 1)
		goto out;
	assert(size == PUBLIC_KEY_SIZE);
	k->pkey = pkey;
	*out = k;
	return 0;
out:
	free(k);
	EVP_PKEY_free(pkey);
	return signature_fail(rc);
}

int private_key_generate(struct private_key **out)
{
	EVP_PKEY *pkey = NULL;
	EVP_PKEY_CTX *ctx;
	int ok;

	errno = 0;
	ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_ED25519, NULL);
	ok = ctx && EVP_PKEY_keygen_init(ctx) == 1 && EVP_PKEY_keygen(ctx, &pkey) == 1;

	EVP_PKEY_CTX_free(ctx);
	return ok ? private_key_new(pkey, out) : signature_fail(ERR_UNSUPPORTED);
}

/* A key with a passphrase is refused, not asked for on the terminal. */
static int no_passphrase(char *buffer, int size, int writing, void *ctx)
{
	(void)buffer;
	(void)size;
	(void)writing;
	(void)ctx;
	return -1;
}

int private_key_decode(struct span pem, struct private_key **out)
{
	EVP_PKEY *pkey;
	BIO *bio;

	if (pem.size == 0 || pem.size > PEM_SIZE_MAX)
		return ERR_CORRUPT;
	errno = 0;
	bio = BIO_new_mem_buf(pem.data, (int)pem.size);
	if (!bio)
		return signature_fail(ERR_NO_MEMORY);
	pkey = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	BIO_free(bio);
	return pkey ? private_key_new(pkey, out) : signature_fail(ERR_CORRUPT);
}

int private_key_encode(const struct private_key *k, struct bytes *pem)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data;
	long size;
	int rc = ERR_NO_MEMORY;

	if (!bio ||
		PEM_write_bio_PKCS8PrivateKey(bio, k->pkey, NULL, NULL, 0, NULL, NULL) != 1)
		goto out;
	size = BIO_get_mem_data(bio, &data);
	rc = bytes_append(pem, data, (size_t)size);
out:
	BIO_free(bio);
	return rc ? signature_fail(rc) : 0;
}

void private_key_free(struct private_key *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->pkey);
	free(k);
}

struct public_key private_key_public(const struct private_key *k)
{
	return k->public;
}

int private_key_sign(
	const struct private_key *k, struct span message, uint8_t signature[SIGNATURE_SIZE])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t made[SIGNATURE_SIZE];
	size_t size = sizeof made;
	int ok = ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, k->pkey) == 1 &&
		 EVP_DigestSign(ctx, made, &size, message.data, message.size) == 1;

	EVP_MD_CTX_free(ctx);
	if (!ok)
		return signature_fail(ERR_NO_MEMORY);
	memcpy(signature, made, sizeof made);
	return 0;
}

int public_key_verify(const struct public_key *k, struct span message,
	const uint8_t signature[SIGNATURE_SIZE])
{
	EVP_MD_CTX *ctx;
	EVP_PKEY *pkey;
	int ok;

	errno = 0;
	pkey = EVP_PKEY_new_raw_public_key(
		EVP_PKEY_ED25519, NULL, k->bytes, PUBLIC_KEY_SIZE);
	ctx = EVP_MD_CTX_new();
	ok = pkey && ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
	     EVP_DigestVerify(ctx, signature, SIGNATURE_SIZE, message.data, message.size) ==
		     1;

	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	return ok ? 0 : signature_fail(ERR_UNTRUSTED);
}

bool public_key_equal(const struct public_key *a, const struct public_key *b)
{
	return memcmp(a->bytes, b->bytes, PUBLIC_KEY_SIZE) == 0;
}

void public_key_to_text(const struct public_key *k, char text[PUBLIC_KEY_TEXT_SIZE])
{
	char *at = text + TEXT_PREFIX_SIZE;

	memcpy(text, TEXT_PREFIX, TEXT_PREFIX_SIZE);
	base64_write(span_of(k->bytes, PUBLIC_KEY_SIZE), at);
	at[TEXT_KEY_SIZE] = '\0';
	for (; *at; at++) {
		if (*at == '+')
			*at = '-';
		else if (*at == '/')
			*at = '_';
	}
}

int public_key_from_text(struct span text, struct public_key *out)
{
	char plain[TEXT_KEY_SIZE + 1];
	struct bytes key = {0};
	int rc;

	if (text.size != TEXT_PREFIX_SIZE + TEXT_KEY_SIZE ||
		memcmp(text.data, TEXT_PREFIX, TEXT_PREFIX_SIZE))
		return ERR_CORRUPT;
	for (size_t i = 0; i < TEXT_KEY_SIZE; i++) {
		char c = (char)text.data[TEXT_PREFIX_SIZE + i];

		if (c == '+' || c == '/' || c == '=')
			return ERR_CORRUPT;
		plain[i] = c == '-' ? '+' : c == '_' ? '/' : c;
	}
	plain[TEXT_KEY_SIZE] = '=';
	rc = base64_decode(span_of(plain, sizeof plain), &key);
	if (!rc)
		memcpy(out->bytes, key.data, PUBLIC_KEY_SIZE);
	bytes_release(&key);
	return rc;
}

void public_key_name(const struct public_key *k, char name[KEY_NAME_SIZE])
{
	struct digest d = digest_of(k->bytes, PUBLIC_KEY_SIZE);
	char hex[DIGEST_HEX_SIZE];

	digest_to_hex(&d, hex);
	memcpy(name, hex, KEY_NAME_SIZE - 1);
	name[KEY_NAME_SIZE - 1] = '\0';
}
