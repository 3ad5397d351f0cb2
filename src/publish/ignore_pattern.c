/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <ctype.h>
#include <string.h>

#include "publish/ignore_pattern.h"

/* The character class "[:name:]" has `c`; as in the C locale. */
static bool class_has(const char *name, size_t size, unsigned char c)
{
	static const struct {
		const char *name;
		int (*has)(int c);
	} classes[] = {
		{"alnum", isalnum},
		{"alpha", isalpha},
		{"blank", isblank},
		{"cntrl", iscntrl},
		{"digit", isdigit},
		{"graph", isgraph},
		{"lower", islower},
		{"print", isprint},
		{"punct", ispunct},
		{"space", isspace},
		{"upper", isupper},
		{"xdigit", isxdigit},
	};

	for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
		if (strlen(classes[i].name) == size &&
			memcmp(classes[i].name, name, size) == 0)
			return c < 0x80 && classes[i].has(c);
	return false;
}

/* The character at *at, which moves over it; a backslash makes the next one a plain one. */
static unsigned char bracket_character(const char **at)
{
	if (**at == '\\' && (*at)[1] != '\0')
		(*at)++;
	return (unsigned char)*(*at)++;
}

/* An element of a bracket expression: a class, a range, a character. */
static bool bracket_element(const char **at, unsigned char c)
{
	const char *name = *at + 2, *end = NULL;
	unsigned char first, last;

	if ((*at)[0] == '[' && (*at)[1] == ':')
		end = strchr(name, ']');
	if (end && end > name && end[-1] == ':') {
		*at = end + 1;
		return class_has(name, (size_t)(end - 1 - name), c);
	}
	first = last = bracket_character(at);
	if ((*at)[0] == '-' && (*at)[1] != ']' && (*at)[1] != '\0') {
		(*at)++;
		last = bracket_character(at);
	}
	return c >= first && c <= last;
}

/* The bracket expression that begins behind the '[' at *at, which moves over it: does it
 * match `c`? A slash is in none. NULL for `*at` when it has no end. */
static bool bracket_matches(const char **at, unsigned char c)
{
	const char *p = *at;
	bool negated = *p == '!' || *p == '^', found = false, first = true;

	p += negated;
	for (; *p != '\0' && (first || *p != ']'); first = false)
		found |= bracket_element(&p, c);
	*at = *p == ']' ? p + 1 : NULL;
	return found != negated && c != '/';
}

/* Does the pattern's part at *glob, which moves over it, match `c`? Not for asterisks. */
static bool glob_matches_one(const char **glob, unsigned char c)
{
	const char *p = *glob;
	bool found;

	if (*p == '[') {
		p++;
		found = bracket_matches(&p, c);
		*glob = p ? p : *glob + strlen(*glob);
		return p && found;
	}
	if (*p == '?') {
		*glob = p + 1;
		return c != '/';
	}
	if (*p == '\0')
		return false;
	return bracket_character(glob) == c;
}

/* Two asterisks or more that are all between two slashes, or one and an end of the pattern:
 * they stand for any number of directories. Returns what follows them and their slash, or
 * NULL. */
static const char *glob_directories(const char *start, const char *at)
{
	const char *end = at + strspn(at, "*");

	if (end - at < 2 || (at > start && at[-1] != '/'))
		return NULL;
	if (*end == '\0')
		return end;
	return *end == '/' ? end + 1 : NULL;
}

/*
 * There are two places to go back to: the last asterisk of this component, which takes one
 * character more, and the last double one, which takes a component more. Earlier ones need
 * not be tried: whatever they could take, the last one can (as in the usual matching of
 * wildcards without recursion), and a single asterisk never reaches beyond its component.
 * With `prefix`, it is enough that the path ends where a component of the pattern could
 * go on.
 */
static bool glob_matches(const char *start, const char *path, bool prefix)
{
	const char *glob = start, *after, *text = path;
	const char *star = NULL, *star_text = NULL; /* behind it; what it took ends */
	const char *directories = NULL, *directories_text = NULL;

	for (;;) {
		after = *glob == '*' ? glob_directories(start, glob) : NULL;
		if (after && *after == '\0')
			return prefix || *text != '\0'; /* all that is below */
		if (after) {
			if (prefix)
				return true;
			directories = glob = after;
			directories_text = text;
			star = NULL;
			continue;
		}
		if (*glob == '*') {
			star = glob += strspn(glob, "*");
			star_text = text;
			continue;
		}
		if (*text == '\0') {
			if (prefix ? *glob == '/' : *glob == '\0')
				return true;
		} else if (glob_matches_one(&glob, (unsigned char)*text)) {
			if (*text++ == '/')
				star = NULL;
			continue;
		}
		if (star && *star_text != '\0' && *star_text != '/') {
			text = ++star_text;
			glob = star;
			continue;
		}
		directories_text = directories ? strchr(directories_text, '/') : NULL;
		if (!directories_text)
			return false;
		text = ++directories_text;
		glob = directories;
		star = NULL;
	}
}

/* A '[' that is never closed, a backslash with nothing behind it: no path matches. */
static bool glob_is_complete(const char *glob)
{
	while (*glob != '\0') {
		if (*glob == '[') {
			glob++;
			bracket_matches(&glob, 'x');
			if (!glob)
				return false;
		} else if (*glob == '\\') {
			if (glob[1] == '\0')
				return false;
			glob += 2;
		} else {
			glob++;
		}
	}
	return true;
}

bool ignore_pattern_parse(char *text, bool negatable, struct ignore_pattern *out)
{
	struct ignore_pattern p = {0};
	size_t size;

	if (negatable && *text == '!') {
		p.negated = true;
		text++;
	}
	size = strlen(text);
	if (size > 0 && text[size - 1] == '/') {
		p.directory = true;
		text[--size] = '\0';
	}
	p.anywhere = !strchr(text, '/');
	if (*text == '/')
		text++;
	p.glob = text;
	if (*text == '\0' || !glob_is_complete(text))
		return false;
	*out = p;
	return true;
}

bool ignore_pattern_matches(
	const struct ignore_pattern *p, const char *path, bool directory)
{
	const char *slash;

	if (p->directory && !directory)
		return false;
	if (!p->anywhere)
		return glob_matches(p->glob, path, false);
	slash = strrchr(path, '/');
	return glob_matches(p->glob, slash ? slash + 1 : path, false);
}

bool ignore_pattern_leads(const struct ignore_pattern *p, const char *path)
{
	if (p->anywhere || glob_directories(p->glob, p->glob))
		return false;
	return glob_matches(p->glob, path, true);
}
