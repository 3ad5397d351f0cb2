/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "format/profile.h"

#include <stdlib.h>
#include <string.h>

#include "format/json.h"
#include "format/json_byte_string.h"
#include "format/json_text.h"
#include "util/array.h"

#define BUCKETS 4096
#define NONE UINT32_MAX

/* Files by the hash of their path, and the reads of each, are chains of indices. */
struct profile_file {
	size_t path, path_size; /* in profile->paths */
	uint32_t next;		/* in its bucket */
	uint32_t reads;		/* the first of a chain, or NONE */
	uint32_t read_count;
};

struct profile_part {
	uint64_t offset, end; /* end 0: it has become part of another */
	uint32_t file;
	uint32_t next; /* of the same file */
};

struct profile {
	struct bytes paths;
	struct profile_file *files;
	size_t file_count, file_room;
	struct profile_part *parts;
	size_t part_count, part_room;
	uint32_t buckets[BUCKETS];
};

/* FNV-1a. Who makes all paths fall into one bucket has it take 65536 steps a line. */
static uint32_t bucket_of(struct span path)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < path.size; i++)
		hash = (hash ^ path.data[i]) * 16777619u;
	return hash % BUCKETS;
}

struct span profile_path(const struct profile *p, size_t file)
{
	const struct profile_file *f = &p->files[file];

	return span_of_part(&p->paths, f->path, f->path_size);
}

static int file_add(struct profile *p, struct span path, uint32_t bucket)
{
	size_t at = p->paths.size;
	int rc;

	if (p->file_count == PROFILE_FILES_MAX)
		return ERR_LIMIT;
	rc = array_grow(&p->files, &p->file_room, p->file_count, sizeof *p->files);
	if (!rc)
		rc = bytes_append(&p->paths, path.data, path.size);
	if (rc)
		return rc;
	p->files[p->file_count] = (struct profile_file){.path = at,
		.path_size = path.size,
		.next = p->buckets[bucket],
		.reads = NONE};
	p->buckets[bucket] = (uint32_t)p->file_count++;
	return 0;
}

static int file_of(struct profile *p, struct span path, uint32_t *out)
{
	uint32_t bucket = bucket_of(path), i = p->buckets[bucket];
	int rc;

	while (i != NONE && !span_equal(profile_path(p, i), path))
		i = p->files[i].next;
	rc = i == NONE ? file_add(p, path, bucket) : 0;
	if (!rc)
		*out = i == NONE ? p->buckets[bucket] : i;
	return rc;
}

static bool is_near(const struct profile_part *a, const struct profile_part *b)
{
	return a->offset <= b->end + PROFILE_NEAR && b->offset <= a->end + PROFILE_NEAR;
}

static void part_extend(struct profile_part *a, const struct profile_part *b)
{
	if (b->offset < a->offset)
		a->offset = b->offset;
	if (b->end > a->end)
		a->end = b->end;
}

/* The earliest part of the file takes in those near it, and each that comes near by that.
 * With `all`, it takes in every one. */
static void file_merge(struct profile *p, struct profile_file *f, uint32_t into, bool all)
{
	struct profile_part *a = &p->parts[into];
	uint32_t *link = &f->reads;

	while (*link != NONE) {
		struct profile_part *b = &p->parts[*link];

		if (b == a || !(all || is_near(a, b))) {
			link = &b->next;
			continue;
		}
		part_extend(a, b);
		b->end = 0;
		*link = b->next;
		f->read_count--;
		link = &f->reads; /* those before it may be near now */
	}
}

/* Behind the others of the file. */
static int part_append(struct profile *p, uint32_t file, const struct profile_part *read)
{
	struct profile_file *f = &p->files[file];
	uint32_t *link = &f->reads;
	int rc;

	if (p->part_count == PROFILE_READS_MAX)
		return ERR_LIMIT;
	rc = array_grow(&p->parts, &p->part_room, p->part_count, sizeof *p->parts);
	if (rc)
		return rc;
	while (*link != NONE)
		link = &p->parts[*link].next;
	*link = (uint32_t)p->part_count;
	p->parts[p->part_count] = *read;
	p->parts[p->part_count++].file = file;
	f->read_count++;
	return 0;
}

/* The chain is in the order of first use, so the first that is near is the earliest. */
static int part_add(struct profile *p, uint32_t file, const struct profile_part *read)
{
	struct profile_file *f = &p->files[file];
	bool full = f->read_count == PROFILE_FILE_READS_MAX;
	uint32_t into = f->reads;

	while (into != NONE && !is_near(&p->parts[into], read))
		into = p->parts[into].next;
	if (into == NONE && !full)
		return part_append(p, file, read);
	full = into == NONE;
	if (full)
		into = f->reads;
	part_extend(&p->parts[into], read);
	file_merge(p, f, into, full);
	return 0;
}

static int profile_add(struct profile *p, struct span path, uint64_t offset, uint64_t size)
{
	struct profile_part read = {.offset = offset, .next = NONE};
	uint32_t file;
	int rc;

	if (path.size && path.data[0] == '/')
		path = span_of(path.data + 1, path.size - 1);
	if (path.size == 0 || path_check(path) || size > ENTRY_SIZE_MAX - offset)
		return ERR_CORRUPT;
	if (size == 0)
		return 0;
	read.end = offset + size;
	rc = file_of(p, path, &file);
	return rc ? rc : part_add(p, file, &read);
}

static bool is_read(const json_t *line)
{
	const json_t *operation = json_object_get(line, "operation");
	const char *word = json_string_value(operation);

	if (operation && (!word || strcmp(word, "read") != 0))
		return false;
	return json_object_get(line, "path") != NULL;
}

static int line_take(struct profile *p, const json_t *line, struct bytes *scratch)
{
	const json_t *offset = json_object_get(line, "offset");
	const json_t *size = json_object_get(line, "size");
	uint64_t at = 0, bytes;
	struct span path;
	int rc = json_byte_string_view(
		json_object_get(line, "path"), PATH_SIZE_MAX + 1, scratch, &path);

	if (!rc && offset)
		rc = json_get_u64(offset, ENTRY_SIZE_MAX, &at);
	bytes = ENTRY_SIZE_MAX - at;
	if (!rc && size)
		rc = json_get_u64(size, ENTRY_SIZE_MAX, &bytes);
	return rc ? rc : profile_add(p, path, at, bytes);
}

static int line_decode(struct profile *p, struct span text, struct bytes *scratch)
{
	json_t *line;
	int rc;

	if (text.size > PROFILE_LINE_MAX)
		return ERR_LIMIT;
	rc = json_parse(text, &line, NULL);
	if (rc)
		return rc;
	if (is_read(line))
		rc = line_take(p, line, scratch);
	json_decref(line);
	return rc;
}

static int lines_decode(struct profile *p, struct span text, struct trouble *t)
{
	struct bytes scratch = {0};
	unsigned long number = 0;
	size_t at = 0;
	int rc = 0;

	while (!rc && at < text.size) {
		const uint8_t *begin = text.data + at;
		const uint8_t *end = memchr(begin, '\n', text.size - at);
		size_t size = end ? (size_t)(end - begin) : text.size - at;

		number++;
		at += size + 1;
		if (size)
			rc = line_decode(p, span_of(begin, size), &scratch);
		if (rc == ERR_CORRUPT && !end && number > 1)
			rc = 0; /* whoever wrote it was stopped within */
	}
	bytes_release(&scratch);
	if (!rc)
		return 0;
	return trouble_set(t, rc, "line %lu %s", number,
		rc == ERR_CORRUPT ? "does not tell of a read: it is no profile"
		: rc == ERR_LIMIT ? "is too long, or one too many: it is no profile"
				  : error_text(rc));
}

/* Drops what became part of something else. The chains are of no use any more. */
static void profile_pack(struct profile *p)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->part_count; i++)
		if (p->parts[i].end)
			p->parts[kept++] = p->parts[i];
	p->part_count = kept;
}

int profile_decode(struct span text, struct profile **out, struct trouble *t)
{
	struct profile *p;
	int rc;

	if (text.size > PROFILE_TEXT_MAX)
		return trouble_set(
			t, ERR_LIMIT, "it is larger than %u bytes", PROFILE_TEXT_MAX);
	p = calloc(1, sizeof *p);
	if (!p)
		return trouble_set(t, ERR_NO_MEMORY, "out of memory");
	memset(p->buckets, 0xff, sizeof p->buckets);
	rc = lines_decode(p, text, t);
	if (rc) {
		profile_free(p);
		return rc;
	}
	profile_pack(p);
	*out = p;
	return 0;
}

void profile_free(struct profile *p)
{
	if (!p)
		return;
	bytes_release(&p->paths);
	free(p->files);
	free(p->parts);
	free(p);
}

size_t profile_reads(const struct profile *p)
{
	return p->part_count;
}

size_t profile_files(const struct profile *p)
{
	return p->file_count;
}

struct profile_read profile_read_at(const struct profile *p, size_t index)
{
	const struct profile_part *part = &p->parts[index];

	return (struct profile_read){.path = profile_path(p, part->file),
		.offset = part->offset,
		.size = part->end - part->offset,
		.file = part->file};
}

static int encode_read(const struct profile_read *read, struct json_text *line)
{
	json_text_clear(line);
	json_text_raw(line, "{\"offset\":");
	json_text_unsigned(line, read->offset);
	json_text_raw(line, ",\"path\":");
	json_text_byte_string(line, read->path);
	if (read->size != ENTRY_SIZE_MAX - read->offset) {
		json_text_raw(line, ",\"size\":");
		json_text_unsigned(line, read->size);
	}
	json_text_raw(line, "}\n");
	return line->failed ? ERR_NO_MEMORY : 0;
}

int profile_encode(const struct profile *p, const bool *keep, size_t max,
	struct bytes *text, size_t *left_out)
{
	struct json_text line = {0};
	size_t start = text->size, left = 0;
	int rc = 0;

	for (size_t i = 0; i < p->part_count && !rc; i++) {
		struct profile_read read = profile_read_at(p, i);

		if (keep && !keep[read.file])
			continue;
		rc = encode_read(&read, &line);
		/* What is used first is worth most. */
		if (!rc && (left || text->size - start + line.text.size > max))
			left++;
		else if (!rc)
			rc = bytes_append(text, line.text.data, line.text.size);
	}
	bytes_release(&line.text);
	if (!rc)
		*left_out = left;
	return rc;
}
