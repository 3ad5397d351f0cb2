/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/selection.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "cli/entry_text.h"

struct selection {
	struct reader *reader;
	const char *pattern; /* of whole paths */
	int flags;	     /* fnmatch's */
	const char *parent;  /* only its children, or NULL: any depth */
	selection_fn each;
	void *ctx;
	uint64_t found;
};

static bool is_glob(const char *text)
{
	return strpbrk(text, "*?[") != NULL;
}

/* The part of the pattern before the first component with a glob, heap. */
static char *fixed_prefix(const char *pattern)
{
	size_t size = strcspn(pattern, "*?[");

	while (size && pattern[size] != '/')
		size--;
	return strndup(pattern, size);
}

static int selection_entry(
	void *ctx, const struct entry *e, uint64_t rank, struct trouble *t)
{
	struct selection *s = ctx;
	char *path = entry_path_text(e);
	int rc = 0;

	if (!path)
		return trouble_set(t, ERR_NO_MEMORY, "out of memory");
	if (s->parent && !span_equal(e->parent, span_of_string(s->parent)))
		rc = 1; /* past the directory's own run */
	else if (fnmatch(s->pattern, path, s->flags) == 0) {
		s->found++;
		rc = s->each(s->ctx, path, e, rank, t);
	}
	free(path);
	return rc;
}

static int selection_matches(struct selection *s, const char *prefix, struct trouble *t)
{
	uint64_t first, end;
	int rc = reader_subtree(s->reader, prefix, &first, &end, t);

	if (!rc)
		rc = reader_walk(s->reader, first, end, selection_entry, s, t);
	return rc == 1 ? 0 : rc;
}

static int selection_plain(
	struct reader *r, const char *path, selection_fn each, void *ctx, struct trouble *t)
{
	struct entry_copy copy = {0};
	uint64_t rank;
	int rc = reader_find(r, path, &copy, &rank, t);

	if (!rc)
		rc = each(ctx, path, &copy.entry, rank, t);
	entry_copy_release(&copy);
	return rc;
}

static bool selection_exists(struct reader *r, const char *path)
{
	struct entry_copy copy = {0};
	struct trouble ignored = {0};
	int rc = reader_find(r, path, &copy, NULL, &ignored);

	entry_copy_release(&copy);
	return rc == 0;
}

int selection_each(
	struct reader *r, const char *text, selection_fn each, void *ctx, struct trouble *t)
{
	struct selection s = {.reader = r, .each = each, .ctx = ctx};
	char *path = reader_path(text, t), *prefix = NULL;
	int rc;

	if (!path)
		return t->code;
	/* A name that has such characters in it is that name before it is a pattern. */
	if (!is_glob(path) || selection_exists(r, path)) {
		rc = selection_plain(r, path, each, ctx, t);
		goto out;
	}
	prefix = fixed_prefix(path);
	if (!prefix) {
		rc = trouble_set(t, ERR_NO_MEMORY, "out of memory");
		goto out;
	}
	s.pattern = path;
	s.flags = strstr(path, "**") ? 0 : FNM_PATHNAME;
	/* One directory's run suffices when only the last component has a glob. */
	if (s.flags && strchr(path + strlen(prefix) + (*prefix != 0), '/') == NULL)
		s.parent = prefix;
	rc = selection_matches(&s, prefix, t);
	if (!rc && !s.found)
		rc = trouble_set(t, ERR_ABSENT, "nothing matches '%s'", text);
out:
	free(prefix);
	free(path);
	return rc;
}
