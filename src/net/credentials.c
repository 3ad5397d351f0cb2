/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "net/bearer.h"
#include "net/client_key.h"
#include "net/credentials.h"

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

/* A FIFO would wait for a writer, on the thread of whoever opens it next. */
static int check_file(const char *what, const char *path, struct trouble *t)
{
	struct stat st;
	int fd, rc = 0;

	if (!path)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return trouble_errno(t, "%s %s cannot be read", what, path);
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		rc = trouble_set(t, ERR_INVALID,
			"%s %s is not a regular file, and has to be read more than once",
			what, path);
	close(fd);
	return rc;
}

static int curl_error(CURLcode code)
{
	if (code == CURLE_OK)
		return 0;
	return code == CURLE_OUT_OF_MEMORY ? ERR_NO_MEMORY : ERR_UNSUPPORTED;
}

static int check_bearer(const char *path, struct trouble *t)
{
	char *token = NULL;
	int rc = bearer_read(path, &token);

	bearer_wipe(token);
	return rc ? bearer_explain(path, rc, rc, t) : 0;
}

int credentials_check(const struct credentials *c, struct trouble *t)
{
	const struct {
		const char *what, *path;
	} files[] = {
		{"the CA file", c->cacert},
		{"the client certificate", c->client_cert},
		{"the client key", c->client_key},
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

static CURLcode apply_token(const char *token, CURL *handle)
{
	/* Not a header of our own: libcurl keeps this one from other hosts. */
	CURLcode code = curl_easy_setopt(handle, CURLOPT_XOAUTH2_BEARER, token);

	if (code)
		return code;
	return curl_easy_setopt(handle, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
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

int credentials_apply(const struct credentials *c, const char *token, CURL *handle)
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
	if (!code && token)
		code = apply_token(token, handle);
	return curl_error(code);
}
