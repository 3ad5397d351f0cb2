/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "publish/store_location.h"

/* Bytes of "word://" at its beginning; 0: it has none (RFC 3986, 3.1). */
static size_t scheme_size(const char *given)
{
	size_t i = 0;

	if (!isalpha((unsigned char)given[0]))
		return 0;
	while (isalnum((unsigned char)given[i]) || (given[i] && strchr("+-.", given[i])))
		i++;
	return strncmp(given + i, "://", 3) == 0 ? i + 3 : 0;
}

static bool is_scheme(const char *given, size_t size, const char *scheme)
{
	return strlen(scheme) == size && strncasecmp(given, scheme, size) == 0;
}

/* As rsync and scp write a path on another machine. */
static bool is_elsewhere(const char *given)
{
	size_t colon = strcspn(given, ":/");
	struct stat st;

	return given[colon] == ':' && lstat(given, &st) != 0;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Takes %XX out of a URL's path; false: one of them is none, or a NUL. */
static bool decode_path(char *path)
{
	char *to = path;

	for (; *path; path++) {
		int high = -1, low = -1;

		if (*path != '%') {
			*to++ = *path;
			continue;
		}
		high = hex_value(path[1]);
		if (high >= 0)
			low = hex_value(path[2]);
		if (low < 0 || (high == 0 && low == 0))
			return false;
		*to++ = (char)(high << 4 | low);
		path += 2;
	}
	*to = '\0';
	return true;
}

static int location_of_file(const char *given, size_t skip, char **out, struct trouble *t)
{
	const char *path = given + skip;
	char *text;

	if (strncasecmp(path, "localhost/", 10) == 0)
		path += 9;
	if (*path != '/')
		return trouble_set(t, ERR_INVALID,
			"%s: a file:// URL has an absolute path in it: file:///srv/store",
			given);
	text = strdup(path);
	if (!text)
		return ERR_NO_MEMORY;
	if (!decode_path(text)) {
		free(text);
		return trouble_set(t, ERR_INVALID,
			"%s: a '%%' in a URL begins %%25 or the like", given);
	}
	*out = text;
	return 0;
}

static int location_refuse(const char *given, size_t scheme, struct trouble *t)
{
	if (scheme)
		return trouble_set(t, ERR_UNSUPPORTED,
			"%s: cairn has no stores at %.*s: give a directory, or to read one "
			"its https://, http:// or file:// URL",
			given, (int)scheme, given);
	return trouble_set(t, ERR_UNSUPPORTED,
		"%s looks like a path on another machine, where cairn has no stores: give "
		"a "
		"directory of this one, with \"./\" before a name that has a colon in it",
		given);
}

/* https://HOST/PATH, also when its manifest was given. */
static char *location_of_server(const char *given)
{
	static const char manifest[] = "/manifest.json";
	char *text = strdup(given);
	size_t size = strlen(given), end = sizeof manifest - 1;

	if (text && size > end && strcmp(text + size - end, manifest) == 0)
		text[size - end] = '\0';
	return text;
}

int store_location_find(const char *given, struct store_location *out, struct trouble *t)
{
	size_t scheme = scheme_size(given);
	struct store_location l = {0};
	int rc = 0;

	if (given[0] == '\0')
		return trouble_set(t, ERR_INVALID, "a store's name cannot be empty");
	if (is_scheme(given, scheme, "file://"))
		rc = location_of_file(given, scheme, &l.text, t);
	else if (is_scheme(given, scheme, "https://") ||
		 is_scheme(given, scheme, "http://"))
		l = (struct store_location){true, location_of_server(given)};
	else if (scheme || is_elsewhere(given))
		rc = location_refuse(given, scheme, t);
	else
		l.text = strdup(given);
	if (!rc && !l.text)
		rc = ERR_NO_MEMORY;
	if (!rc)
		*out = l;
	return rc;
}

void store_location_release(struct store_location *l)
{
	free(l->text);
	*l = (struct store_location){0};
}
