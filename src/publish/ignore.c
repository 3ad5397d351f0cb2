/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "publish/ignore.h"
#include "publish/ignore_pattern.h"
#include "util/error.h"

/* Each pattern borrows from a text of its own. */
struct ignore_list {
	struct ignore_pattern *items;
	char **texts;
	size_t count, capacity;
};

struct ignore {
	struct ignore_list excluded, included;
};

struct ignore *ignore_new(void)
{
	return calloc(1, sizeof(struct ignore));
}

static void ignore_list_release(struct ignore_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->texts[i]);
	free(l->texts);
	free(l->items);
}

void ignore_free(struct ignore *g)
{
	if (!g)
		return;
	ignore_list_release(&g->excluded);
	ignore_list_release(&g->included);
	free(g);
}

static int ignore_list_reserve(struct ignore_list *l)
{
	size_t capacity = l->capacity ? l->capacity * 2 : 16;
	struct ignore_pattern *items;
	char **texts;

	if (l->count < l->capacity)
		return 0;
	if (l->count >= IGNORE_PATTERNS_MAX)
		return ERR_LIMIT;
	items = realloc(l->items, capacity * sizeof *items);
	if (!items)
		return ERR_NO_MEMORY;
	l->items = items;
	texts = realloc(l->texts, capacity * sizeof *texts);
	if (!texts)
		return ERR_NO_MEMORY;
	l->texts = texts;
	l->capacity = capacity;
	return 0;
}

static int ignore_list_add(struct ignore_list *l, struct span pattern, bool negatable)
{
	int rc = pattern.size > IGNORE_PATTERN_SIZE_MAX ? ERR_LIMIT
							: ignore_list_reserve(l);
	char *text;

	if (rc)
		return rc;
	text = span_to_string(pattern);
	if (!text)
		return ERR_NO_MEMORY;
	if (!ignore_pattern_parse(text, negatable, &l->items[l->count])) {
		free(text);
		return ERR_INVALID;
	}
	l->texts[l->count++] = text;
	return 0;
}

int ignore_exclude(struct ignore *g, const char *pattern)
{
	return ignore_list_add(&g->excluded, span_of_string(pattern), true);
}

int ignore_include(struct ignore *g, const char *pattern)
{
	return ignore_list_add(&g->included, span_of_string(pattern), false);
}

/* Without the blanks at its end, unless a backslash keeps the first of them. */
static size_t trimmed(const uint8_t *line, size_t size)
{
	size_t end = 0; /* behind the last that counts */

	for (size_t i = 0; i < size; i++) {
		if (line[i] == '\\' && i + 1 < size)
			i++;
		else if (line[i] == ' ')
			continue;
		end = i + 1;
	}
	return end;
}

/* One that can match nothing is no error in a file, as with git. */
static int ignore_exclude_line(struct ignore *g, const uint8_t *line, size_t size)
{
	int rc;

	if (size > 0 && line[size - 1] == '\r')
		size--;
	if (size == 0 || line[0] == '#' || memchr(line, '\0', size))
		return 0;
	size = trimmed(line, size);
	rc = ignore_list_add(&g->excluded, span_of(line, size), true);
	return rc == ERR_INVALID ? 0 : rc;
}

int ignore_exclude_lines(struct ignore *g, struct span text)
{
	static const char mark[] = "\xef\xbb\xbf"; /* that some editors put first */
	size_t at = text.size >= 3 && memcmp(text.data, mark, 3) == 0 ? 3 : 0;
	int rc = 0;

	while (!rc && at < text.size) {
		const uint8_t *line = text.data + at;
		const uint8_t *end = memchr(line, '\n', text.size - at);
		size_t size = end ? (size_t)(end - line) : text.size - at;

		rc = ignore_exclude_line(g, line, size);
		at += size + 1;
	}
	return rc;
}

/* The last one that matches decides. */
static bool is_excluded(const struct ignore_list *l, const char *path, bool directory)
{
	for (size_t i = l->count; i-- > 0;)
		if (ignore_pattern_matches(&l->items[i], path, directory))
			return !l->items[i].negated;
	return false;
}

static bool is_included(const struct ignore_list *l, const char *path, bool directory)
{
	for (size_t i = 0; i < l->count; i++)
		if (ignore_pattern_matches(&l->items[i], path, directory))
			return true;
	return false;
}

static bool leads_to_included(const struct ignore_list *l, const char *path)
{
	for (size_t i = 0; i < l->count; i++)
		if (ignore_pattern_leads(&l->items[i], path))
			return true;
	return false;
}

enum ignore_verdict ignore_judge(const struct ignore *g, const char *path, bool directory,
	enum ignore_verdict inside)
{
	if (!g)
		return IGNORE_TAKE;
	if (inside == IGNORE_TAKE && !is_excluded(&g->excluded, path, directory))
		return IGNORE_TAKE;
	if (is_included(&g->included, path, directory))
		return IGNORE_TAKE;
	return directory && leads_to_included(&g->included, path) ? IGNORE_PASS
								  : IGNORE_LEAVE;
}
