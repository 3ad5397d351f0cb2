/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "net/client_key.h"
#include "net/credentials.h"
#include "util/io.h"

#define BEARER_SIZE_MAX 65536

void credentials_init(struct credentials *c)
{
	*c = (struct credentials){0};
}

void credentials_release(struct credentials *c)
{
	free(c->cacert);
	free(c->client_cert);
	free(c->client_key);
	if (c->key_password)
		OPENSSL_cleanse(c->key_password, strlen(c->key_password));
	free(c->key_password);
	free(c->bearer_file);
	free(c->proxy);
	credentials_init(c);
}

static int check_file(const char *what, const char *path, struct trouble *t)
{
	int fd;

	if (!path)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return trouble_errno(t, "%s %s cannot be read", what, path);
	close(fd);
	return 0;
}

static int curl_error(CURLcode code)
{
	if (code == CURLE_OK)
		return 0;
	return code == CURLE_OUT_OF_MEMORY ? ERR_NO_MEMORY : ERR_UNSUPPORTED;
}

/* The token (RFC 6750, b64token and a little more) of a file's first line. */
static int read_bearer(const char *path, struct bytes *token)
{
	int rc = io_read_file(AT_FDCWD, path, BEARER_SIZE_MAX, token);
	size_t size;

	if (rc)
		return rc;
	for (size = 0; size < token->size && token->data[size] != '\n'; size++)
		;
	while (size > 0 && isspace(token->data[size - 1]))
		size--;
	if (size == 0)
		return ERR_INVALID;
	for (size_t i = 0; i < size; i++)
		if (!isgraph(token->data[i]))
			return ERR_INVALID;
	token->size = size;
	return bytes_append(token, "", 1);
}

static int check_bearer(const char *path, struct trouble *t)
{
	struct bytes token = {0};
	int rc = read_bearer(path, &token);

	if (rc)
		trouble_set(t, rc,
			"the bearer token file %s does not hold a token of printable "
			"characters in its first line",
			path);
	bytes_release(&token);
	return rc;
}

int credentials_check(const struct credentials *c, struct trouble *t)
{
	const struct {
		const char *what, *path;
	} files[] = {
		{"the CA file", c->cacert},
		{"the client certificate", c->client_cert},
		{"the client key", c->client_key},
		{"the bearer token file", c->bearer_file},
	};
	int rc = 0;

	for (size_t i = 0; i < sizeof files / sizeof *files && !rc; i++)
		rc = check_file(files[i].what, files[i].path, t);
	if (!rc && c->client_key && !c->client_cert)
		rc = trouble_set(t, ERR_INVALID,
			"a client key (--cert-key) is of no use without its certificate "
			"(--cert)");
	if (!rc && c->client_cert)
		rc = client_key_check(c->client_cert, c->client_key, c->key_password, t);
	if (!rc && c->bearer_file)
		rc = check_bearer(c->bearer_file, t);
	return rc;
}

static int apply_bearer(const char *path, CURL *handle)
{
	struct bytes token = {0};
	CURLcode code;
	int rc = read_bearer(path, &token);

	if (rc)
		goto out;
	/* Not a header of our own: libcurl keeps this one from other hosts. */
	code = curl_easy_setopt(handle, CURLOPT_XOAUTH2_BEARER, (const char *)token.data);
	if (!code)
		code = curl_easy_setopt(handle, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
	rc = curl_error(code);
out:
	if (token.data)
		OPENSSL_cleanse(token.data, token.size);
	bytes_release(&token);
	return rc;
}

static CURLcode apply_way(const struct credentials *c, CURL *handle)
{
	CURLcode code = CURLE_OK;

	if (c->cacert) {
		code = curl_easy_setopt(handle, CURLOPT_CAINFO, c->cacert);
		/* libcurl may have a directory of CAs built in: those are not meant. */
		if (!code)
			code = curl_easy_setopt(handle, CURLOPT_CAPATH, NULL);
	}
	if (!code && c->proxy)
		code = curl_easy_setopt(handle, CURLOPT_PROXY, c->proxy);
	return code;
}

int credentials_apply_none(const struct credentials *c, CURL *handle)
{
	return curl_error(apply_way(c, handle));
}

int credentials_apply_public(const struct credentials *c, CURL *handle)
{
	CURLcode code = apply_way(c, handle);

	if (!code && c->netrc)
		code = curl_easy_setopt(handle, CURLOPT_NETRC, (long)CURL_NETRC_OPTIONAL);
	return curl_error(code);
}

int credentials_apply(const struct credentials *c, CURL *handle)
{
	CURLcode code = CURLE_OK;
	int rc = credentials_apply_public(c, handle);

	if (rc)
		return rc;
	if (c->client_cert)
		code = curl_easy_setopt(handle, CURLOPT_SSLCERT, c->client_cert);
	if (!code && c->client_key)
		code = curl_easy_setopt(handle, CURLOPT_SSLKEY, c->client_key);
	/* Never none, or OpenSSL would ask the terminal for it. */
	if (!code && c->client_cert)
		code = curl_easy_setopt(
			handle, CURLOPT_KEYPASSWD, c->key_password ? c->key_password : "");
	if (code)
		return curl_error(code);
	return c->bearer_file ? apply_bearer(c->bearer_file, handle) : 0;
}
