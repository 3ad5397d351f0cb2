/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>

#include "publish/record.h"
#include "publish/unit.h"

struct unit *unit_new(struct publication *p)
{
	struct unit *u = calloc(1, sizeof *u);

	if (!u)
		return NULL;
	u->publication = p;
	u->end = &u->first;
	u->stable = true;
	return u;
}

void unit_add(struct unit *u, struct item *item)
{
	item->unit = u;
	*u->end = item;
	u->end = &item->member;
	u->count++;
}

bool unit_is_done(struct unit *u)
{
	bool done;

	pthread_mutex_lock(&u->publication->publication_mtx);
	done = u->done;
	pthread_mutex_unlock(&u->publication->publication_mtx);
	return done;
}

void unit_finish(struct unit *u)
{
	struct publication *p = u->publication;

	pthread_mutex_lock(&p->publication_mtx);
	u->done = true;
	pthread_cond_broadcast(&p->publication_cond);
	pthread_mutex_unlock(&p->publication_mtx);
}

struct adoption {
	struct blobs *blobs;
	struct scratch *x;
};

static int adopt_blob(void *ctx, const struct digest *blob, uint64_t size)
{
	const struct adoption *a = ctx;

	return blobs_adopt(a->blobs, a->x, blob, size);
}

static int adopt_file(struct item *item, const struct record_file *file)
{
	struct entry *e = &item->entry;

	if (file->size != e->size)
		return ERR_CORRUPT;
	bytes_clear(&item->extents);
	if (file->extent_count > 0 && bytes_append(&item->extents, file->extents,
					      file->extent_count * EXTENT_RECORD_SIZE))
		return ERR_NO_MEMORY;
	e->has_content = file->has_content;
	e->content = file->content;
	e->offset = file->offset;
	e->extent_count = file->extent_count;
	e->extents = item->extents.data;
	e->run_list = file->run_list;
	return 0;
}

static int adopt_run_list(struct adoption *a, const struct extents_ref *list)
{
	return list->count > 0 ? history_each_list(a->x->history, list, adopt_blob, a) : 0;
}

static int adopt_files(struct unit *u, struct adoption *a, const struct record *r)
{
	struct record_file file;
	uint64_t data = 0;
	size_t at = 0;

	for (struct item *item = u->first; item; item = item->member) {
		int rc = record_next(r, &at, &file);

		if (!rc)
			rc = adopt_run_list(a, &file.run_list);
		if (!rc)
			rc = adopt_file(item, &file);
		if (rc)
			return rc;
		data += entry_data_size(&item->entry);
	}
	if (record_next(r, &at, &file) != ERR_ABSENT)
		return ERR_CORRUPT;
	return data == (r->has_object ? r->object.size : 0) ? 0 : ERR_CORRUPT;
}

static int adopt_object(struct unit *u, const struct record *r)
{
	u->has_object = r->has_object;
	if (!r->has_object)
		return 0;
	u->object = r->object;
	bytes_clear(&u->list);
	if (r->object.form == OBJECT_LISTED &&
		bytes_append(&u->list, r->object.list, r->object.count * CHUNK_RECORD_SIZE))
		return ERR_NO_MEMORY;
	u->object.list = u->list.data;
	return 0;
}

int unit_adopt(struct unit *u, struct scratch *x)
{
	struct adoption adoption = {u->publication->blobs, x};
	struct record r;
	int rc = record_decode(span_of_bytes(&u->record), &r);

	if (rc)
		return rc;
	if (r.count != u->count)
		return ERR_CORRUPT;
	if (r.has_object)
		rc = history_each_blob(x->history, &r.object, adopt_blob, &adoption);
	if (!rc)
		rc = adopt_files(u, &adoption, &r);
	if (!rc)
		rc = adopt_object(u, &r);
	u->adopted = rc == 0;
	return rc;
}

int unit_record(const struct unit *u, struct bytes *out)
{
	int rc = record_append(out, u->has_object ? &u->object : NULL, u->count);

	for (const struct item *item = u->first; !rc && item; item = item->member) {
		const struct entry *e = &item->entry;
		struct record_file file = {
			.has_content = e->has_content,
			.content = e->content,
			.offset = e->offset,
			.size = e->size,
			.extent_count = e->extent_count,
			.extents = e->extents,
			.run_list = e->run_list,
		};

		rc = record_append_file(out, &file);
	}
	return rc;
}

void unit_free(struct unit *u)
{
	if (!u)
		return;
	bytes_release(&u->record);
	bytes_release(&u->list);
	free(u);
}
