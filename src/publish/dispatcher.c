/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "publish/bundle_job.h"
#include "publish/dispatcher.h"
#include "publish/extents.h"
#include "publish/object_job.h"

static int set_fingerprint(struct dispatcher *d, struct unit *u)
{
	int rc = 0;

	bytes_clear(&d->fingerprint);
	for (struct item *item = u->first; !rc && item; item = item->member)
		rc = index_fingerprint(&d->fingerprint, item->path, &item->st);
	if (!rc)
		u->fingerprint = digest_of(d->fingerprint.data, d->fingerprint.size);
	return rc;
}

static int start_unit(struct dispatcher *d, struct unit *u, void (*run)(struct job *))
{
	int rc = d->index ? set_fingerprint(d, u) : 0;

	if (rc)
		return rc;
	if (d->index) /* without a record, for whatever reason, the content is read */
		index_get(d->index, &u->fingerprint, &u->record);
	u->job.run = run;
	u->pending = 1;
	workers_add(d->publication->workers, &u->job, 0);
	return 0;
}

int dispatcher_finish(struct dispatcher *d)
{
	struct unit *u = d->open;

	d->open = NULL;
	return u ? start_unit(d, u, bundle_job_run) : 0;
}

static int add_to_bundle(struct dispatcher *d, struct item *item, uint64_t size)
{
	struct key key;
	struct key_hash hash;
	int rc = key_encode(item->entry.parent, item->entry.name, &key);

	if (rc)
		return rc;
	if (!d->open)
		d->open = unit_new(d->publication);
	if (!d->open)
		return ERR_NO_MEMORY;
	unit_add(d->open, item);
	hash = key_hash_of(&key);
	return bundle_add(&d->bundle, size, &hash) ? dispatcher_finish(d) : 0;
}

static int add_alone(struct dispatcher *d, struct item *item, void (*run)(struct job *))
{
	struct unit *u = unit_new(d->publication);

	if (!u)
		return ERR_NO_MEMORY;
	unit_add(u, item);
	return start_unit(d, u, run);
}

/* Bytes of data of a file that may have holes; as far as it matters, of a large one. */
static int data_size(struct dispatcher *d, struct item *item, uint64_t *size)
{
	const struct publication *p = d->publication;
	struct content c;
	int rc;

	*size = item->entry.size;
	if (*size == 0)
		return content_probe(p->root, item->path, &item->st, &item->unsized);
	if (!extents_likely(&item->st))
		return 0;
	rc = content_open(&c, p->root, item->path, item->st.st_dev, item->st.st_ino);
	if (rc)
		return rc;
	rc = extents_measure(c.fd, &c.st, LARGE_FILE_MIN, size);
	content_close(&c);
	return rc;
}

/* The same, of whatever the item is; what is about the file is the item's. */
static int dispatcher_measure(struct dispatcher *d, struct item *item, uint64_t *size)
{
	int rc = 0;

	*size = 0;
	if (item->entry.type == ENTRY_FILE && !item->follows && !item->rc)
		rc = data_size(d, item, size);
	if (!rc || !content_is_failure(rc))
		return rc;
	item->rc = rc;
	*size = 0;
	return 0;
}

static bool is_large(const struct item *item, uint64_t size)
{
	return size >= LARGE_FILE_MIN || item->unsized;
}

int dispatcher_add(struct dispatcher *d, struct item *item)
{
	uint64_t size;
	int rc = dispatcher_measure(d, item, &size);

	if (rc)
		return rc;
	if (bundle_ends_before(&d->bundle, is_large(item, size) ? 0 : size))
		rc = dispatcher_finish(d);
	if (rc)
		return rc;
	if (is_large(item, size))
		return add_alone(d, item, object_job_run);
	return size > 0 ? add_to_bundle(d, item, size) : 0;
}

int dispatcher_add_alone(struct dispatcher *d, struct item *item)
{
	uint64_t size;
	int rc = dispatcher_measure(d, item, &size);

	if (rc || (size == 0 && !item->unsized))
		return rc;
	return add_alone(d, item, is_large(item, size) ? object_job_run : bundle_job_run);
}

bool dispatcher_holds(const struct dispatcher *d, const struct item *item)
{
	return item->unit && item->unit == d->open;
}

void dispatcher_release(struct dispatcher *d)
{
	bytes_release(&d->fingerprint);
}
