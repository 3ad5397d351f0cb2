/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/base_url.h"

static void lower_case(char *s)
{
	for (; *s; s++)
		*s = (char)tolower((unsigned char)*s);
}

char *base_url_origin(CURLU *u)
{
	char *scheme = NULL, *host = NULL, *port = NULL, *origin = NULL;

	if (curl_url_get(u, CURLUPART_SCHEME, &scheme, 0))
		return NULL;
	if (curl_url_get(u, CURLUPART_HOST, &host, 0) ||
		curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT)) {
		if (asprintf(&origin, "%s://", scheme) < 0)
			origin = NULL;
	} else if (asprintf(&origin, "%s://%s:%s", scheme, host, port) < 0) {
		origin = NULL;
	}
	if (origin)
		lower_case(origin);
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	return origin;
}

static bool has_part(CURLU *u, CURLUPart part)
{
	char *value = NULL;
	bool has = curl_url_get(u, part, &value, 0) == CURLUE_OK;

	curl_free(value);
	return has;
}

static int check_parts(CURLU *u, const char *url, struct trouble *t)
{
	char *scheme = NULL;
	bool good;

	if (has_part(u, CURLUPART_USER) || has_part(u, CURLUPART_PASSWORD))
		return trouble_set(t, ERR_INVALID,
			"a URL with a user name or password in it shows up in logs and "
			"process "
			"lists; put them into ~/.netrc and use --netrc");
	if (strpbrk(url, "?#"))
		return trouble_set(t, ERR_INVALID,
			"%s: a store's URL cannot have a query or a fragment", url);
	if (curl_url_get(u, CURLUPART_SCHEME, &scheme, 0))
		return trouble_set(t, ERR_NO_MEMORY, "%s: out of memory", url);
	good = !strcmp(scheme, "https") || !strcmp(scheme, "http") ||
	       !strcmp(scheme, "file");
	curl_free(scheme);
	if (!good)
		return trouble_set(t, ERR_INVALID,
			"%s: only https://, http:// and file:// can be read", url);
	return 0;
}

/* The parsed URL without trailing slashes, but file:///: the caller's, for free(). */
static char *normal_url(CURLU *u)
{
	char *text = NULL, *copy, *host;
	size_t size;

	if (curl_url_get(u, CURLUPART_URL, &text, 0))
		return NULL;
	copy = strdup(text);
	curl_free(text);
	if (!copy)
		return NULL;
	host = strstr(copy, "://");
	host = host ? host + 3 : copy;
	for (size = strlen(host); size > 1 && host[size - 1] == '/'; size--)
		host[size - 1] = '\0';
	return copy;
}

static int check_size(const char *url, struct trouble *t)
{
	if (strlen(url) < URL_SIZE_MAX)
		return 0;
	return trouble_set(
		t, ERR_INVALID, "the URL is longer than %d bytes", URL_SIZE_MAX - 1);
}

/* What can be told before it is parsed. */
static int check_text(const char *url, struct trouble *t)
{
	const char *colon = strchr(url, ':');
	int rc = check_size(url, t);

	if (rc)
		return rc;
	/* Behind the scheme: libcurl takes file:x://y, too, and makes another one of it. */
	if (!colon || strncmp(colon, "://", 3) != 0)
		return trouble_set(t, ERR_INVALID,
			"%s: not a URL; give https://HOST/PATH, http://HOST/PATH or "
			"file:///PATH",
			url);
	return 0;
}

static int set_url(CURLU *u, const char *text, const char *given, struct trouble *t)
{
	CURLUcode code = curl_url_set(
		u, CURLUPART_URL, text, CURLU_URLENCODE | CURLU_NON_SUPPORT_SCHEME);

	return code ? trouble_set(t, ERR_INVALID, "%s: %s", given, curl_url_strerror(code))
		    : 0;
}

static int take_parts(
	CURLU *u, const char *given, char **url, char **origin, struct trouble *t)
{
	char *text = normal_url(u), *name = base_url_origin(u);
	int rc = text && name ? check_size(text, t) /* percent-encoded, it may have grown */
			      : trouble_set(t, ERR_NO_MEMORY, "%s: out of memory", given);

	/* Without "..", it may begin with what libcurl takes for a drive's letter. */
	if (!rc)
		rc = set_url(u, text, given, t);
	if (rc) {
		free(text);
		free(name);
		return rc;
	}
	*url = text;
	*origin = name;
	return 0;
}

int base_url_parse(const char *given, char **url, char **origin, struct trouble *t)
{
	CURLU *u;
	int rc = check_text(given, t);

	if (rc)
		return rc;
	u = curl_url();
	if (!u)
		return trouble_set(t, ERR_NO_MEMORY, "%s: out of memory", given);
	rc = set_url(u, given, given, t);
	if (!rc)
		rc = check_parts(u, given, t);
	if (!rc)
		rc = take_parts(u, given, url, origin, t);
	curl_url_cleanup(u);
	return rc;
}
