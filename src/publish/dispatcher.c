/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "publish/bundle_job.h"
#include "publish/dispatcher.h"
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

static int add_large(struct dispatcher *d, struct item *item)
{
	struct unit *u = unit_new(d->publication);

	if (!u)
		return ERR_NO_MEMORY;
	unit_add(u, item);
	return start_unit(d, u, object_job_run);
}

/* Bytes of data of a file that may have holes. */
static int data_size(struct dispatcher *d, const struct item *item, uint64_t *size)
{
	struct content c;
	int rc;

	*size = item->entry.size;
	if (!extents_likely(&item->st))
		return 0;
	rc = content_open(
		&c, d->publication->root, item->path, item->st.st_dev, item->st.st_ino);
	if (rc)
		return rc;
	*size = c.extents.data_size;
	content_close(&c);
	return 0;
}

int dispatcher_add(struct dispatcher *d, struct item *item, struct trouble *t)
{
	uint64_t size = 0;
	int rc = 0;

	if (item->entry.type == ENTRY_FILE && !item->leader && item->entry.size > 0)
		rc = data_size(d, item, &size);
	if (rc)
		return content_fail(rc, item->path, d->publication->source, t);
	if (bundle_ends_before(&d->bundle, size < LARGE_FILE_MIN ? size : 0))
		rc = dispatcher_finish(d);
	if (rc || size == 0)
		return rc;
	return size < LARGE_FILE_MIN ? add_to_bundle(d, item, size) : add_large(d, item);
}

bool dispatcher_holds(const struct dispatcher *d, const struct item *item)
{
	return item->unit && item->unit == d->open;
}

void dispatcher_release(struct dispatcher *d)
{
	bytes_release(&d->fingerprint);
}
