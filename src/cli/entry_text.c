/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/entry_text.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "format/json.h"
#include "format/json_byte_string.h"
#include "format/names.h"
#include "util/printable.h"

void mode_text(const struct entry *e, char text[MODE_TEXT])
{
	static const char bits[] = "rwxrwxrwx";

	text[0] = e->type == ENTRY_FILE ? '-' : (char)e->type;
	for (int i = 0; i < 9; i++)
		text[i + 1] = e->mode & (0400 >> i) ? bits[i] : '-';
	if (e->mode & 04000)
		text[3] = e->mode & 0100 ? 's' : 'S';
	if (e->mode & 02000)
		text[6] = e->mode & 0010 ? 's' : 'S';
	if (e->mode & 01000)
		text[9] = e->mode & 0001 ? 't' : 'T';
	text[10] = '\0';
}

void time_text(int64_t seconds, uint32_t nsec, char text[TIME_TEXT])
{
	time_t when = (time_t)seconds;
	struct tm tm;
	char day[32], zone[8];

	if (!localtime_r(&when, &tm) ||
		!strftime(day, sizeof day, "%Y-%m-%d %H:%M:%S", &tm)) {
		snprintf(text, TIME_TEXT, "@%lld.%09u", (long long)seconds, nsec);
		return;
	}
	strftime(zone, sizeof zone, "%z", &tm);
	snprintf(text, TIME_TEXT, "%s.%09u %s", day, nsec, zone);
}

void put_name(FILE *out, struct span name)
{
	bool raw = !isatty(fileno(out)), good = true;

	for (size_t i = 0, length; i < name.size; i += length) {
		const char *text = (const char *)name.data + i;

		length = raw ? name.size : printable_next(text, name.size - i, &good);
		if (good)
			fwrite(text, 1, length, out);
		for (size_t j = 0; !good && j < length; j++)
			fprintf(out, "\\%03o", (unsigned char)text[j]);
	}
}

const char *type_text(enum entry_type type)
{
	switch (type) {
	case ENTRY_FILE:
		return "file";
	case ENTRY_DIRECTORY:
		return "directory";
	case ENTRY_SYMLINK:
		return "symlink";
	case ENTRY_CHARACTER:
		return "character device";
	case ENTRY_BLOCK:
		return "block device";
	case ENTRY_FIFO:
		return "fifo";
	case ENTRY_SOCKET:
		return "socket";
	}
	return "unknown";
}

char *entry_path_text(const struct entry *e)
{
	struct bytes path = {0};
	char *text = NULL;

	if (path_join(e->parent, e->name, &path) == 0)
		text = span_to_string(span_of_bytes(&path));
	bytes_release(&path);
	return text;
}

static json_t *path_json(const struct entry *e)
{
	struct bytes path = {0};
	json_t *json = NULL;

	if (path_join(e->parent, e->name, &path) == 0)
		json = json_byte_string(span_of_bytes(&path));
	bytes_release(&path);
	return json;
}

static json_t *xattrs_json(struct span packed)
{
	json_t *list = json_array();
	struct xattr x;
	size_t at = 0;

	while (xattr_next(packed, &at, &x))
		json_array_append_new(
			list, json_pack("{s:o,s:o}", "name", json_byte_string(x.name),
				      "value", json_byte_string(x.value)));
	return list;
}

static void add_content(json_t *o, const struct entry *e)
{
	json_object_set_new(o, "data_bytes", json_integer((json_int_t)entry_data_size(e)));
	if (!e->has_content)
		return;
	json_object_set_new(o, "sha256", json_digest(&e->content));
	json_object_set_new(o, "object", json_digest(&e->object.digest));
	json_object_set_new(o, "object_bytes", json_integer((json_int_t)e->object.size));
	json_object_set_new(o, "object_offset", json_integer((json_int_t)e->offset));
}

json_t *entry_json(const struct entry *e)
{
	char mode[8];
	json_t *o = json_pack(
		"{s:o,s:s}", "path", path_json(e), "type", type_text(e->type));

	if (!o)
		return NULL;
	snprintf(mode, sizeof mode, "%04o", e->mode);
	json_object_set_new(o, "mode", json_string(mode));
	json_object_set_new(o, "uid", json_integer(e->uid));
	json_object_set_new(o, "gid", json_integer(e->gid));
	json_object_set_new(o, "size", json_integer((json_int_t)e->size));
	json_object_set_new(o, "mtime", json_integer((json_int_t)e->mtime));
	json_object_set_new(o, "mtime_nsec", json_integer(e->mtime_nsec));
	json_object_set_new(o, "links", json_integer(e->links));
	json_object_set_new(o, "inode", json_integer((json_int_t)e->inode));
	if (e->type == ENTRY_SYMLINK)
		json_object_set_new(o, "target", json_byte_string(e->target));
	if (e->type == ENTRY_CHARACTER || e->type == ENTRY_BLOCK) {
		json_object_set_new(o, "major", json_integer(e->major));
		json_object_set_new(o, "minor", json_integer(e->minor));
	}
	if (e->xattrs.size)
		json_object_set_new(o, "xattrs", xattrs_json(e->xattrs));
	if (e->type == ENTRY_FILE)
		add_content(o, e);
	return o;
}
