/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/mount_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/error.h"

#define MOUNT_TABLE "/proc/self/mountinfo"

/* Undoes the \040 of proc(5) in place. */
static void unescape(char *s)
{
	char *out = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' &&
			s[2] <= '7' && s[3] >= '0' && s[3] <= '7') {
			*out++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 +
					(s[3] - '0'));
			s += 3;
		} else {
			*out++ = *s;
		}
	}
	*out = '\0';
}

/* Field `index` of a line, cut off in place; NULL when there are fewer. */
static char *line_field(char *line, unsigned index)
{
	char *save = NULL;
	char *token = strtok_r(line, " \n", &save);

	while (token && index--)
		token = strtok_r(NULL, " \n", &save);
	return token;
}

/* Borrow from the line. */
struct mount_line {
	char *root; /* what of the file system is mounted: "/" unless it is a bind mount */
	char *at, *type, *source;
	const char *options; /* of the file system */
};

/* proc(5): "... mount-point options [optional...] - type source super-options". */
static bool mount_line_parse(char *line, struct mount_line *out)
{
	char *tail = strstr(line, " - ");
	char *copy;

	if (!tail)
		return false;
	*tail = '\0';
	tail += 3;
	copy = strchr(tail, ' ');
	if (!copy)
		return false;
	*copy++ = '\0';
	out->type = tail;
	out->options = strchr(copy, ' ') ? strchr(copy, ' ') + 1 : "";
	out->source = line_field(copy, 0);
	out->root = line_field(line, 3);
	out->at = out->root ? line_field(out->root + strlen(out->root) + 1, 0) : NULL;
	if (!out->at || !out->source)
		return false;
	unescape(out->at);
	unescape(out->source);
	return true;
}

int mount_table_find(const char *resolved, char **source, bool *is_ours)
{
	FILE *table = fopen(MOUNT_TABLE, "re");
	struct mount_line m;
	char *line = NULL, *found = NULL;
	size_t capacity = 0;
	bool ours = false;

	if (!table)
		return ERR_UNSUPPORTED;
	/* The last line of a path is the mount on top. */
	while (getline(&line, &capacity, table) > 0) {
		if (!mount_line_parse(line, &m) || strcmp(m.at, resolved) != 0)
			continue;
		free(found);
		found = strdup(m.source);
		ours = strcmp(m.type, "fuse." MOUNT_SUBTYPE) == 0;
	}
	free(line);
	fclose(table);
	if (!found)
		return ERR_ABSENT;
	*source = found;
	*is_ours = ours;
	return 0;
}

static bool is_whole_mount(const struct mount_line *m)
{
	return !strcmp(m->type, "fuse." MOUNT_SUBTYPE) && !strcmp(m->root, "/");
}

/* fuse(4): "...,user_id=1000,..." */
static uid_t mount_owner(const char *options)
{
	const char *id = strstr(options, "user_id=");

	return id ? (uid_t)strtoul(id + strlen("user_id="), NULL, 10) : 0;
}

int mount_table_each(
	int (*each)(void *ctx, const char *at, const char *source, uid_t owner), void *ctx)
{
	FILE *table = fopen(MOUNT_TABLE, "re");
	struct mount_line m;
	char *line = NULL;
	size_t capacity = 0;
	int rc = 0;

	if (!table)
		return ERR_UNSUPPORTED;
	while (!rc && getline(&line, &capacity, table) > 0)
		if (mount_line_parse(line, &m) && is_whole_mount(&m))
			rc = each(ctx, m.at, m.source, mount_owner(m.options));
	free(line);
	fclose(table);
	return rc;
}
