/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <string.h>

#include "publish/record.h"
#include "util/error.h"

#define RECORD_VERSION 1

struct record_head {
	uint32_t version;
	uint32_t count; /* files */
	uint32_t has_object;
	uint32_t form;
	uint64_t size; /* of the object */
	struct digest digest, recipe;
	uint32_t chunks; /* in the list that follows */
};

struct file_head {
	struct digest content;
	uint64_t offset, size;
	uint32_t has_content;
	uint32_t extent_count; /* records follow; RUN_LIST: a struct record_run_list */
};

/* An older program takes such a record for a corrupt one, and reads the file. */
#define RUN_LIST UINT32_MAX

struct record_run_list {
	struct digest digest;
	uint64_t count, size;
};

int record_append(struct bytes *out, const struct object_ref *object, uint32_t count)
{
	struct record_head head;
	int rc;

	memset(&head, 0, sizeof head); /* the padding as well */
	head.version = RECORD_VERSION;
	head.count = count;
	if (object) {
		head.has_object = 1;
		head.form = (uint32_t)object->form;
		head.size = object->size;
		head.digest = object->digest;
		head.recipe = object->recipe;
		head.chunks = object->form == OBJECT_LISTED ? object->count : 0;
	}
	rc = bytes_append(out, &head, sizeof head);
	if (!rc && head.chunks > 0)
		rc = bytes_append(out, object->list, head.chunks * CHUNK_RECORD_SIZE);
	return rc;
}

static int record_append_run_list(struct bytes *out, const struct extents_ref *ref)
{
	struct record_run_list list = {
		.digest = ref->digest, .count = ref->count, .size = ref->size};

	return bytes_append(out, &list, sizeof list);
}

int record_append_file(struct bytes *out, const struct record_file *file)
{
	struct file_head head;
	int rc;

	memset(&head, 0, sizeof head);
	head.content = file->content;
	head.offset = file->offset;
	head.size = file->size;
	head.has_content = file->has_content;
	head.extent_count = file->run_list.count > 0 ? RUN_LIST : file->extent_count;
	rc = bytes_append(out, &head, sizeof head);
	if (!rc && head.extent_count == RUN_LIST)
		return record_append_run_list(out, &file->run_list);
	if (!rc && file->extent_count > 0)
		rc = bytes_append(
			out, file->extents, file->extent_count * EXTENT_RECORD_SIZE);
	return rc;
}

/* `size` bytes at *at, which moves on; NULL when there are fewer. */
static const uint8_t *record_take(struct span text, size_t *at, size_t size)
{
	const uint8_t *found = text.data + *at;

	if (size > text.size - *at)
		return NULL;
	*at += size;
	return found;
}

static bool head_is_good(const struct record_head *head)
{
	return head->version == RECORD_VERSION && head->has_object <= 1 &&
	       head->form <= OBJECT_RECIPE && head->chunks <= OBJECT_LISTED_MAX;
}

int record_decode(struct span text, struct record *out)
{
	struct record r = {0};
	struct record_head head;
	size_t at = 0;
	const uint8_t *from = record_take(text, &at, sizeof head);

	if (!from)
		return ERR_CORRUPT;
	memcpy(&head, from, sizeof head);
	if (!head_is_good(&head))
		return ERR_CORRUPT;
	r.has_object = head.has_object;
	r.count = head.count;
	r.object = (struct object_ref){
		.digest = head.digest,
		.size = head.size,
		.form = (enum object_form)head.form,
		.recipe = head.recipe,
		.count = head.chunks,
		.list = record_take(text, &at, head.chunks * CHUNK_RECORD_SIZE),
	};
	if (!r.object.list || (r.has_object && object_check(&r.object)))
		return ERR_CORRUPT;
	r.files = span_of(text.data + at, text.size - at);
	*out = r;
	return 0;
}

static int record_take_runs(
	const struct record *r, size_t *at, uint32_t count, struct record_file *out)
{
	struct record_run_list list;
	const uint8_t *from;

	if (count != RUN_LIST && count > EXTENT_COUNT_MAX)
		return ERR_CORRUPT;
	from = record_take(
		r->files, at, count == RUN_LIST ? sizeof list : count * EXTENT_RECORD_SIZE);
	if (!from)
		return ERR_CORRUPT;
	if (count != RUN_LIST) {
		out->extent_count = count;
		out->extents = count > 0 ? from : NULL;
		return 0;
	}
	memcpy(&list, from, sizeof list);
	out->run_list = (struct extents_ref){
		.digest = list.digest, .count = list.count, .size = list.size};
	return list.count > 0 ? 0 : ERR_CORRUPT;
}

int record_next(const struct record *r, size_t *at, struct record_file *out)
{
	struct record_file file;
	struct file_head head;
	const uint8_t *from;
	int rc;

	if (*at == r->files.size)
		return ERR_ABSENT;
	from = record_take(r->files, at, sizeof head);
	if (!from)
		return ERR_CORRUPT;
	memcpy(&head, from, sizeof head);
	if (head.has_content > 1)
		return ERR_CORRUPT;
	file = (struct record_file){
		.has_content = head.has_content,
		.content = head.content,
		.offset = head.offset,
		.size = head.size,
	};
	rc = record_take_runs(r, at, head.extent_count, &file);
	if (!rc)
		*out = file;
	return rc;
}
