/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "format/tag.h"
#include "net/serve_request.h"

#define REVISION_DIGITS_MAX 16
#define BLOB_NAME_SIZE 65 /* "ab/" and 62 digits */

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool is_blob_name(const char *name)
{
	if (strlen(name) != BLOB_NAME_SIZE || name[2] != '/')
		return false;
	for (int i = 0; i < BLOB_NAME_SIZE; i++)
		if (i != 2 && !is_hex(name[i]))
			return false;
	return true;
}

static bool is_revision_name(const char *name)
{
	size_t digits = strspn(name, "0123456789");

	return digits > 0 && digits <= REVISION_DIGITS_MAX && name[0] != '0' &&
	       !strcmp(name + digits, ".json");
}

static bool is_tag_name(const char *name)
{
	char tag[TAG_NAME_MAX + 1];
	size_t size = strlen(name);

	if (size < 6 || size - 5 > TAG_NAME_MAX || strcmp(name + size - 5, ".json") != 0)
		return false;
	memcpy(tag, name, size - 5);
	tag[size - 5] = '\0';
	return tag_name_check(tag) == 0;
}

enum serve_kind serve_path_kind(const char *path)
{
	if (!strcmp(path, "manifest.json"))
		return SERVE_DOCUMENT;
	if (!strncmp(path, "blobs/", 6) && is_blob_name(path + 6))
		return SERVE_BLOB;
	if (!strncmp(path, "revisions/", 10) && is_revision_name(path + 10))
		return SERVE_REVISION;
	if (!strncmp(path, "tags/", 5) && is_tag_name(path + 5))
		return SERVE_DOCUMENT;
	return SERVE_NOTHING;
}

static uint64_t mtime_of(const struct stat *st)
{
#ifdef HAVE_STRUCT_STAT_ST_MTIM
	return (uint64_t)st->st_mtim.tv_sec * 1000000000u + (uint64_t)st->st_mtim.tv_nsec;
#else
	return (uint64_t)st->st_mtime * 1000000000u;
#endif
}

void serve_etag(enum serve_kind kind, const char *path, const struct stat *st,
	char etag[SERVE_ETAG_SIZE])
{
	if (kind == SERVE_BLOB)
		snprintf(etag, SERVE_ETAG_SIZE, "\"%.2s%.62s\"", path + 6, path + 9);
	else
		snprintf(etag, SERVE_ETAG_SIZE, "\"%" PRIx64 "-%" PRIx64 "-%" PRIx64 "\"",
			(uint64_t)st->st_size, mtime_of(st), (uint64_t)st->st_ino);
}

bool serve_etag_listed(const char *list, const char *etag)
{
	size_t size = strlen(etag);

	for (;;) {
		const char *end;

		list += strspn(list, " \t,");
		if (!strcmp(list, "*"))
			return true;
		if (!strncmp(list, "W/", 2))
			list += 2;
		if (*list != '"')
			return false;
		end = strchr(list + 1, '"');
		if (!end)
			return false;
		if ((size_t)(end + 1 - list) == size && !strncmp(list, etag, size))
			return true;
		list = end + 1;
	}
}

/* Digits at *s, at least one; false also when they are too many for 64 bits. */
static bool parse_range_number(const char **s, uint64_t *out)
{
	const char *at = *s;
	uint64_t value = 0;

	for (; *at >= '0' && *at <= '9'; at++)
		if (__builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, (uint64_t)(*at - '0'), &value))
			return false;
	if (at == *s)
		return false;
	*s = at;
	*out = value;
	return true;
}

/* "-N": the last N bytes. */
static enum serve_range parse_suffix(
	const char *s, uint64_t size, uint64_t *offset, uint64_t *length)
{
	uint64_t count;

	if (!parse_range_number(&s, &count) || *s)
		return RANGE_WHOLE;
	if (count == 0 || size == 0)
		return RANGE_UNSATISFIABLE;
	*length = count < size ? count : size;
	*offset = size - *length;
	return RANGE_PART;
}

enum serve_range serve_range_parse(
	const char *value, uint64_t size, uint64_t *offset, uint64_t *length)
{
	uint64_t first, last = UINT64_MAX;

	if (!value || strncmp(value, "bytes=", 6) != 0)
		return RANGE_WHOLE;
	value += 6;
	if (*value == '-')
		return parse_suffix(value + 1, size, offset, length);
	if (!parse_range_number(&value, &first) || *value++ != '-')
		return RANGE_WHOLE;
	if (*value && (!parse_range_number(&value, &last) || *value || last < first))
		return RANGE_WHOLE;
	if (first >= size)
		return RANGE_UNSATISFIABLE;
	if (last >= size)
		last = size - 1;
	*offset = first;
	*length = last - first + 1;
	return RANGE_PART;
}
