/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "dataset/url.h"
#include "net/mirrors.h"
#include "util/bytes.h"

static void lower(char *from, const char *end)
{
	for (; from < end; from++)
		*from = (char)tolower((unsigned char)*from);
}

static void strip_slashes(char *url, const char *keep)
{
	char *end = url + strlen(url);

	while (end > keep && end[-1] == '/')
		*--end = '\0';
}

static bool strip_end(char *url, const char *keep, const char *end)
{
	size_t size = strlen(url), end_size = strlen(end);

	if (size < end_size + (size_t)(keep - url) || strcmp(url + size - end_size, end))
		return false;
	url[size - end_size] = '\0';
	return true;
}

/* RFC 3986, 2.3 and 3.3: what a path may hold as it is. */
static bool is_plain(unsigned char c)
{
	return c < 0x80 && (isalnum(c) || strchr("-._~/!$&'()*+,;=:@", c));
}

static int url_of_path(const char *path, struct bytes *url)
{
	static const char digits[] = "0123456789ABCDEF";
	int rc = bytes_append_string(url, "file://");

	for (; *path && !rc; path++) {
		unsigned char c = (unsigned char)*path;
		const char escape[] = {'%', digits[c >> 4], digits[c & 15]};

		rc = is_plain(c) ? bytes_append(url, path, 1)
				 : bytes_append(url, escape, 3);
	}
	return rc;
}

/* Takes ":443" off https://host:443/path, given where the host begins and the path. */
static void strip_port(char *url, char *host, char *path)
{
	const char *port = strncmp(url, "https:", 6) == 0 ? ":443" : ":80";
	char *v6 = memchr(host, ']', (size_t)(path - host)), *name = v6 ? v6 : host;
	char *colon = memchr(name, ':', (size_t)(path - name));

	if (colon && colon != host && (size_t)(path - colon) == strlen(port) &&
		strncmp(colon, port, strlen(port)) == 0)
		memmove(colon, path, strlen(path) + 1);
}

static const char *const schemes[] = {"https://", "http://", "file://", NULL};

/* In place; the result is never longer. */
static int normalise(char *url)
{
	char *host = strstr(url, "://"), *path;
	size_t i = 0;

	if (!host)
		return ERR_INVALID;
	host += 3;
	lower(url, host);
	while (schemes[i] && strncmp(url, schemes[i], strlen(schemes[i])))
		i++;
	if (!schemes[i])
		return ERR_INVALID;
	path = host + strcspn(host, "/");
	lower(host, path);
	if (strcmp(schemes[i], "file://")) {
		if (path == host)
			return ERR_INVALID;
		strip_port(url, host, path);
		host++;
	} else if (path - host == 9 && strncmp(host, "localhost", 9) == 0) {
		memmove(host, path, strlen(path) + 1);
	}
	strip_slashes(url, host);
	while (strip_end(url, host, "/manifest.json"))
		strip_slashes(url, host);
	return 0;
}

static bool is_one_line(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return false;
	return true;
}

int url_normalise(const char *given, char **out, struct trouble *t)
{
	struct bytes url = {0};
	char *text = NULL;
	int rc = ERR_LIMIT;

	if (strlen(given) < URL_SIZE_MAX)
		rc = given[0] == '/' ? url_of_path(given, &url)
				     : bytes_append_string(&url, given);
	/* With what is special encoded: the result is a URL that may be given, too. */
	if (rc == ERR_LIMIT || url.size >= URL_SIZE_MAX) {
		bytes_release(&url);
		return trouble_set(t, ERR_INVALID, "the URL is too long");
	}
	if (!rc)
		text = span_to_string(span_of_bytes(&url));
	bytes_release(&url);
	if (!text)
		return trouble_set(t, ERR_NO_MEMORY, "%s", error_text(ERR_NO_MEMORY));
	if (is_one_line(text) && strchr(text, ' ')) {
		free(text);
		return trouble_set(t, ERR_INVALID,
			"%s has a space in it: a URL has %%20 in its place", given);
	}
	rc = is_one_line(text) ? normalise(text) : ERR_INVALID;
	if (rc) {
		free(text);
		return trouble_set(t, rc,
			"%s is not a store's URL: give https://HOST/PATH, "
			"http://HOST/PATH, "
			"file:///PATH or an absolute path",
			given);
	}
	*out = text;
	return 0;
}
