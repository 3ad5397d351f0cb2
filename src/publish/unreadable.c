/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "publish/unreadable.h"

#define NAMED_MAX 4 /* in the sentence */

void unreadable_release(struct unreadable *u)
{
	bytes_release(&u->text);
	*u = (struct unreadable){0};
}

int unreadable_add(struct unreadable *u, const char *path, int code, const char *why)
{
	const char *reason = why ? why : error_text(code);
	size_t size = strlen(path) + strlen(reason) + 2;
	int rc = 0;

	if (u->count++ == 0)
		u->code = code;
	/* once one is left out, so are those behind it: they have no order else */
	if (u->kept + 1 < u->count || u->text.size + size > UNREADABLE_BYTES_MAX)
		return 0;
	rc = bytes_reserve(&u->text, size);
	if (rc)
		return rc;
	bytes_append(&u->text, path, strlen(path) + 1);
	bytes_append(&u->text, reason, strlen(reason) + 1);
	u->kept++;
	return 0;
}

bool unreadable_next(
	const struct unreadable *u, size_t *at, const char **path, const char **reason)
{
	const char *text;

	if (*at >= u->text.size)
		return false;
	text = (const char *)u->text.data + *at;
	*path = text;
	*reason = text + strlen(text) + 1;
	*at += strlen(*path) + strlen(*reason) + 2;
	return true;
}

static const char *unreadable_advice(int code)
{
	if (code == ERR_DENIED)
		return "publish as a user who may read it, leave it out with --exclude, or "
		       "publish without it (--skip-unreadable)";
	if (code == ERR_CHANGED)
		return "publish again when it is at rest, leave it out with --exclude, or "
		       "publish without it (--skip-unreadable)";
	return "leave it out with --exclude, or publish without it (--skip-unreadable)";
}

int unreadable_fail(const struct unreadable *u, const char *source, struct trouble *t)
{
	char names[TROUBLE_MAX / 2];
	const char *path, *reason;
	size_t at = 0, used = 0;
	unsigned named = 0;

	names[0] = '\0';
	while (named < NAMED_MAX && unreadable_next(u, &at, &path, &reason)) {
		int size = snprintf(names + used, sizeof names - used, "%s'%.*s' (%s)",
			named ? ", " : "", 200, path, reason);

		if (size < 0 || (size_t)size >= sizeof names - used) {
			names[used] = '\0';
			break;
		}
		used += (size_t)size;
		named++;
	}
	if (u->count == 1)
		return trouble_set(t, u->code, "cannot read %s in %s: %s", names, source,
			unreadable_advice(u->code));
	if (u->count > named)
		snprintf(names + used, sizeof names - used, " and %" PRIu64 " more",
			u->count - named);
	return trouble_set(t, u->code,
		"nothing is published: %" PRIu64 " names in %s cannot be read: %s; publish "
		"as a user who may read them, leave them out with --exclude, or publish "
		"without them (--skip-unreadable)",
		u->count, source, names);
}
