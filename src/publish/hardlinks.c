/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "format/names.h"
#include "publish/attributes.h"
#include "publish/hardlinks.h"
#include "publish/spool.h"

#define SLOT_BITS_MIN 6
#define RUN 8 /* slots that are read at a time */

/* Open addressing with linear probing; `names` 0 is a free slot. */
struct link_table {
	struct spool slots; /* of struct link_group */
	unsigned bits;	    /* of the number of slots */
};

struct hardlinks {
	struct link_table table;
	uint64_t used;
	struct spool leaders;
};

/* What a leader leaves, and the parts of variable size behind it. The entry's spans and
 * pointers are those of a struct that is gone: only their sizes mean anything. */
struct leader_record {
	struct entry entry;
	int64_t mtime; /* the file's own state, which tells whether it is still the same */
	uint64_t size;
	uint32_t type;
	size_t xattrs, target, extents, list; /* bytes, in this order */
};

static int link_table_init(
	struct link_table *table, const char *directory, uint64_t memory, unsigned bits)
{
	table->bits = bits;
	spool_init(&table->slots, directory, memory);
	return spool_grow(&table->slots, sizeof(struct link_group) << bits);
}

struct hardlinks *hardlinks_new(const char *directory, uint64_t memory)
{
	struct hardlinks *h = calloc(1, sizeof *h);

	if (!h)
		return NULL;
	if (link_table_init(&h->table, directory, memory / 2, SLOT_BITS_MIN)) {
		free(h);
		return NULL;
	}
	spool_init(&h->leaders, directory, memory / 4);
	return h;
}

void hardlinks_free(struct hardlinks *h)
{
	if (!h)
		return;
	spool_release(&h->table.slots);
	spool_release(&h->leaders);
	free(h);
}

/* Fibonacci hashing (Knuth, TAOCP 6.4): inode numbers come in runs. The upper bits, so
 * that a table of twice the size is filled from its beginning to its end. */
static uint64_t link_table_slot(const struct link_table *table, uint64_t dev, uint64_t ino)
{
	return ((ino ^ (dev << 40)) * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - table->bits);
}

/* The inode's slot, or the free one where it belongs, which it then has in *group. */
static int link_table_probe(
	const struct link_table *table, struct link_group *group, uint64_t *slot)
{
	uint64_t count = UINT64_C(1) << table->bits;
	uint64_t at = link_table_slot(table, group->dev, group->ino);
	struct link_group run[RUN];

	for (;; at = 0) { /* there is always a free one */
		while (at < count) {
			size_t some = count - at < RUN ? (size_t)(count - at) : RUN;
			int rc = spool_read(&table->slots, at * sizeof run[0], run,
				some * sizeof run[0]);

			if (rc)
				return rc;
			for (size_t i = 0; i < some; i++, at++) {
				if (run[i].names > 0 && (run[i].dev != group->dev ||
								run[i].ino != group->ino))
					continue;
				*slot = at;
				if (run[i].names > 0)
					*group = run[i];
				return 0;
			}
		}
	}
}

static int link_table_put(
	struct link_table *table, uint64_t slot, const struct link_group *group)
{
	return spool_write(&table->slots, slot * sizeof *group, group, sizeof *group);
}

/* All of `from` into `to`, which is larger and empty. */
static int link_table_copy(struct link_table *to, const struct link_table *from)
{
	uint64_t count = UINT64_C(1) << from->bits;
	struct link_group run[RUN];
	int rc = 0;

	for (uint64_t at = 0; !rc && at < count; at += RUN) {
		rc = spool_read(&from->slots, at * sizeof run[0], run, sizeof run);
		for (size_t i = 0; !rc && i < RUN; i++) {
			struct link_group copy = run[i];
			uint64_t slot;

			if (copy.names == 0)
				continue;
			rc = link_table_probe(to, &copy, &slot);
			if (!rc)
				rc = link_table_put(to, slot, &run[i]);
		}
	}
	return rc;
}

static int hardlinks_grow(struct hardlinks *h)
{
	const struct spool *old = &h->table.slots;
	struct link_table larger;
	int rc = link_table_init(&larger, old->directory, old->limit, h->table.bits + 1);

	if (!rc)
		rc = link_table_copy(&larger, &h->table);
	if (rc) {
		spool_release(&larger.slots);
		return rc;
	}
	spool_release(&h->table.slots);
	h->table = larger;
	return 0;
}

int hardlinks_count(struct hardlinks *h, dev_t dev, ino_t ino, uint32_t *names)
{
	struct link_group group = {.dev = (uint64_t)dev, .ino = (uint64_t)ino};
	uint64_t slot;
	int rc = 0;

	if (h->used * 4 >= (UINT64_C(3) << h->table.bits))
		rc = hardlinks_grow(h);
	if (!rc)
		rc = link_table_probe(&h->table, &group, &slot);
	if (rc)
		return rc;
	h->used += group.names == 0;
	if (group.names < UINT32_MAX)
		group.names++;
	rc = link_table_put(&h->table, slot, &group);
	if (!rc)
		*names = group.names;
	return rc;
}

static int hardlinks_look_up(
	struct hardlinks *h, dev_t dev, ino_t ino, struct link_group *out, uint64_t *slot)
{
	struct link_group group = {.dev = (uint64_t)dev, .ino = (uint64_t)ino};
	int rc = link_table_probe(&h->table, &group, slot);

	if (rc)
		return rc;
	if (group.names < 2)
		return ERR_ABSENT;
	*out = group;
	return 0;
}

int hardlinks_find(struct hardlinks *h, dev_t dev, ino_t ino, struct link_group *out)
{
	uint64_t slot;

	return hardlinks_look_up(h, dev, ino, out, &slot);
}

int hardlinks_meet(struct hardlinks *h, const struct link_group *group)
{
	struct link_group found;
	uint64_t slot;
	int rc = hardlinks_look_up(h, (dev_t)group->dev, (ino_t)group->ino, &found, &slot);

	if (rc)
		return rc;
	found.met = true;
	return link_table_put(&h->table, slot, &found);
}

static int leader_append(struct spool *s, const void *data, size_t size)
{
	return size > 0 ? spool_append(s, data, size) : 0;
}

static int leader_write(struct spool *s, const struct item *item, uint64_t inode)
{
	const struct entry *e = &item->entry;
	bool listed = e->has_content && e->object.form == OBJECT_LISTED;
	struct leader_record record;
	int rc;

	memset(&record, 0, sizeof record); /* the padding as well */
	record.entry = *e;
	record.entry.inode = inode;
	record.mtime = attributes_mtime(&item->st);
	record.size = (uint64_t)item->st.st_size;
	record.type = (uint32_t)(item->st.st_mode & S_IFMT);
	record.xattrs = e->xattrs.size;
	record.target = e->target.size;
	record.extents = e->extent_count * EXTENT_RECORD_SIZE;
	record.list = listed ? e->object.count * CHUNK_RECORD_SIZE : 0;
	rc = spool_append(s, &record, sizeof record);
	if (!rc)
		rc = leader_append(s, e->xattrs.data, record.xattrs);
	if (!rc)
		rc = leader_append(s, e->target.data, record.target);
	if (!rc)
		rc = leader_append(s, e->extents, record.extents);
	return rc ? rc : leader_append(s, e->object.list, record.list);
}

int hardlinks_lead(struct hardlinks *h, const struct item *item)
{
	uint64_t at = h->leaders.size, slot;
	struct link_group group;
	struct key_hash hash;
	struct key key;
	int rc = key_encode(item->entry.parent, item->entry.name, &key);

	if (!rc)
		rc = hardlinks_look_up(h, item->st.st_dev, item->st.st_ino, &group, &slot);
	if (rc)
		return rc == ERR_ABSENT ? 0 : rc;
	hash = key_hash_of(&key);
	rc = leader_write(&h->leaders, item, key_hash_inode(&hash));
	if (rc)
		return rc;
	group.leader = at + 1;
	return link_table_put(&h->table, slot, &group);
}

static int leader_take(const struct spool *s, uint64_t *at, struct bytes *out, size_t size)
{
	int rc;

	bytes_clear(out);
	if (size == 0)
		return 0;
	rc = bytes_reserve(out, size);
	if (!rc)
		rc = spool_read(s, *at, out->data, size);
	if (rc)
		return rc;
	out->size = size;
	*at += size;
	return 0;
}

static int leader_read(const struct spool *s, uint64_t at, struct item *item)
{
	const struct entry own = item->entry;
	struct entry *e = &item->entry;
	struct leader_record record;
	int rc = spool_read(s, at, &record, sizeof record);

	if (rc)
		return rc;
	if (record.mtime != attributes_mtime(&item->st) ||
		record.size != (uint64_t)item->st.st_size ||
		record.type != (uint32_t)(item->st.st_mode & S_IFMT))
		return ERR_CHANGED;
	at += sizeof record;
	rc = leader_take(s, &at, &item->xattrs, record.xattrs);
	if (!rc)
		rc = leader_take(s, &at, &item->target, record.target);
	if (!rc)
		rc = leader_take(s, &at, &item->extents, record.extents);
	if (!rc)
		rc = leader_take(s, &at, &item->list, record.list);
	if (rc)
		return rc;
	*e = record.entry;
	e->parent = own.parent;
	e->name = own.name;
	e->xattrs = span_of_bytes(&item->xattrs);
	e->target = span_of_bytes(&item->target);
	e->extents = record.extents > 0 ? item->extents.data : NULL;
	e->object.list = record.list > 0 ? item->list.data : NULL;
	return 0;
}

int hardlinks_follow(struct hardlinks *h, struct item *item)
{
	struct link_group group;
	int rc = hardlinks_find(h, item->st.st_dev, item->st.st_ino, &group);

	if (rc == ERR_ABSENT || (!rc && group.leader == 0))
		return ERR_CHANGED;
	return rc ? rc : leader_read(&h->leaders, group.leader - 1, item);
}
