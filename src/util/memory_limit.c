/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/io.h"
#include "util/memory_limit.h"

#define TEXT_MAX (1u << 20) /* bytes of a file of /proc */
#define VALUE_MAX 64	    /* of a limit */
#define DIRECTORY_MAX 4096

/* A file as a string, which is the caller's; NULL: there is none. */
static char *read_text(const char *directory, const char *name, size_t max)
{
	char path[DIRECTORY_MAX + 64];
	struct bytes text = {0};
	char *out = NULL;

	if (snprintf(path, sizeof path, "%s/%s", directory, name) < (int)sizeof path &&
		!io_read_file(AT_FDCWD, path, max, &text))
		out = span_to_string(span_of_bytes(&text));
	bytes_release(&text);
	return out;
}

/* "max" is none, and version 1 has a number for it that no machine has bytes for. */
static uint64_t read_limit(const char *directory, const char *name)
{
	char *text = read_text(directory, name, VALUE_MAX), *end;
	unsigned long long value = 0;

	if (text && *text >= '0' && *text <= '9') {
		errno = 0;
		value = strtoull(text, &end, 10);
		if (errno || (*end && *end != '\n') || value > UINT64_MAX / 4)
			value = 0;
	}
	free(text);
	return value ? value : UINT64_MAX;
}

static uint64_t limit_of_directory(const char *directory)
{
	static const char *const names[] = {
		"memory.max", "memory.high", "memory.limit_in_bytes"};
	uint64_t least = UINT64_MAX;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		uint64_t limit = read_limit(directory, names[i]);

		least = limit < least ? limit : least;
	}
	return least;
}

/* Of the group at `path` below the mount point, and of all above it. */
static uint64_t limit_of_group(const char *point, const char *path)
{
	char directory[DIRECTORY_MAX];
	size_t top = strlen(point);
	uint64_t least = UINT64_MAX;

	if (snprintf(directory, sizeof directory, "%s%s", point, path) >=
		(int)sizeof directory)
		return UINT64_MAX;
	for (;;) {
		uint64_t limit = limit_of_directory(directory);
		char *slash = strrchr(directory, '/');

		least = limit < least ? limit : least;
		if (strlen(directory) <= top || !slash)
			return least;
		*slash = '\0';
	}
}

/* Is `word` one of those between commas? */
static bool is_listed(const char *list, const char *word)
{
	size_t size = strlen(word);

	for (; *list; list += *list == ',') {
		size_t n = strcspn(list, ",");

		if (n == size && memcmp(list, word, n) == 0)
			return true;
		list += n;
	}
	return false;
}

/* The path of the group, within its hierarchy: "ID:CONTROLLERS:PATH" is a line of
 * `groups`. Copied to `path`; false when it stands in none. */
static bool find_group(const char *groups, bool unified, char path[DIRECTORY_MAX])
{
	char controllers[256];

	while (*groups) {
		size_t line = strcspn(groups, "\n");
		int at = 0;

		controllers[0] = '\0';
		if (sscanf(groups, "%*u:%255[^:\n]:%n", controllers, &at) < 1 || !at) {
			controllers[0] = '\0';
			sscanf(groups, "0::%n", &at);
		}
		if (at && (size_t)at <= line && line - (size_t)at < DIRECTORY_MAX &&
			(unified ? !controllers[0] : is_listed(controllers, "memory"))) {
			memcpy(path, groups + at, line - (size_t)at);
			path[line - (size_t)at] = '\0';
			return true;
		}
		groups += line + (groups[line] == '\n');
	}
	return false;
}

/* What of `path` lies below the mount's root; "" for a group that cannot be seen from
 * here: then what can is what holds it. */
static const char *group_path_below(const char *path, const char *root)
{
	size_t size = strcmp(root, "/") ? strlen(root) : 0;

	if (strncmp(path, root, size) || (path[size] && path[size] != '/') ||
		strstr(path, "/..") || strcmp(path, "/") == 0)
		return "";
	return path + size;
}

/* A line of mountinfo, proc(5). */
static uint64_t limit_of_mount(const char *line, const char *groups)
{
	char root[DIRECTORY_MAX], point[DIRECTORY_MAX], path[DIRECTORY_MAX];
	char type[32], options[256];
	const char *rest = strstr(line, " - ");
	bool unified;

	if (!rest || sscanf(line, "%*s %*s %*s %4095s %4095s", root, point) != 2 ||
		sscanf(rest, " - %31s %*s %255s", type, options) != 2)
		return UINT64_MAX;
	unified = strcmp(type, "cgroup2") == 0;
	if (!unified && (strcmp(type, "cgroup") || !is_listed(options, "memory")))
		return UINT64_MAX;
	if (!find_group(groups, unified, path))
		return UINT64_MAX;
	return limit_of_group(point, group_path_below(path, root));
}

uint64_t memory_limit(const char *proc)
{
	char *groups = read_text(proc, "cgroup", TEXT_MAX);
	char *mounts = read_text(proc, "mountinfo", TEXT_MAX);
	uint64_t least = UINT64_MAX;
	char *line, *next;

	for (line = groups ? mounts : NULL; line && *line; line = next) {
		uint64_t limit;

		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = '\0';
		limit = limit_of_mount(line, groups);
		least = limit < least ? limit : least;
	}
	free(groups);
	free(mounts);
	return least;
}
