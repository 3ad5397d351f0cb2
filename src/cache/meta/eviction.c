/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "cache/meta/eviction.h"
#include "cache/meta/pins.h"
#include "cache/meta/unflushed.h"
#include "cache/meta/victims.h"
#include "util/array.h"

static struct victim victim_of(
	const struct object_id *object, const struct object_record *r, int64_t last_use)
{
	return (struct victim){
		*object, r->instance, last_use, r->cost, r->resident, 0, VICTIM_HELD};
}

/* What a row of the order leads to. */
static int victim_of_row(
	struct metadata *m, MDB_txn *txn, struct span key, struct victim *out)
{
	struct object_record r;
	struct span value;
	struct victim v = {.instance = 0};
	int rc = use_key_decode(key, &v.last_use, &v.object);

	if (rc)
		return rc;
	rc = table_get(m, txn, TABLE_OBJECTS, span_of_object(&v.object), &value);
	if (!rc)
		rc = object_record_peek(value, &r);
	if (rc && rc != ERR_ABSENT && rc != ERR_CORRUPT)
		return rc;
	if (!rc && r.last_use == v.last_use)
		v = victim_of(&v.object, &r, v.last_use);
	*out = v;
	return 0;
}

int eviction_list(struct metadata *m, struct eviction_place *at, struct victim *out,
	size_t max, size_t *count)
{
	struct table_cursor cursor = {0};
	struct span key;
	size_t n = 0;
	MDB_txn *txn;
	MDB_val raw;
	int rc = metadata_read(m, &txn);

	if (rc)
		return rc;
	while (!rc && n < max) {
		rc = table_next(
			m, txn, TABLE_USE, span_of(at->key, at->size), &cursor, &key, &raw);
		if (rc || key.size != USE_KEY_SIZE)
			continue;
		memcpy(at->key, key.data, USE_KEY_SIZE);
		at->key[USE_KEY_SIZE] = 0; /* the least that is behind it */
		at->size = USE_KEY_SIZE + 1;
		if (!victim_of_row(m, txn, key, &out[n]))
			n++;
	}
	table_cursor_close(&cursor);
	metadata_read_end(m, txn);
	if (rc && rc != ERR_ABSENT)
		return rc;
	*count = n;
	return 0;
}

void eviction_go_behind(struct eviction_place *at, const struct victim *v)
{
	use_key(v->last_use, &v->object, at->key);
	at->key[USE_KEY_SIZE] = 0;
	at->size = USE_KEY_SIZE + 1;
}

int eviction_find(struct metadata *m, const struct object_id *object, struct victim *out)
{
	struct object_record r;
	struct span value;
	MDB_txn *txn;
	int rc = metadata_read(m, &txn);

	if (rc)
		return rc;
	rc = table_get(m, txn, TABLE_OBJECTS, span_of_object(object), &value);
	if (!rc)
		rc = object_record_peek(value, &r);
	metadata_read_end(m, txn);
	if (!rc)
		*out = victim_of(object, &r, r.last_use);
	return rc == ERR_CORRUPT ? ERR_ABSENT : rc;
}

static int note_gone(const struct victim *v, struct outcome *o)
{
	int rc = array_grow(&o->gone, &o->gone_capacity, o->gone_count, sizeof *o->gone);

	if (!rc)
		o->gone[o->gone_count++] = *v;
	return rc;
}

static int remove_rows(struct space *s, const struct victim *v, bool has_rows)
{
	uint8_t key[USE_KEY_SIZE], row[CHUNK_KEY_SIZE];
	int rc = table_delete(s->m, s->txn, TABLE_OBJECTS, span_of_object(&v->object));

	if (!rc)
		rc = table_delete(
			s->m, s->txn, TABLE_USE, use_key(v->last_use, &v->object, key));
	if (!rc)
		rc = unflushed_forget(s->m, s->txn, v->instance);
	if (!rc && has_rows)
		rc = table_put_key(
			s->m, s->txn, TABLE_PURGE, instance_key(v->instance, row));
	return rc;
}

int eviction_remove(struct space *s, const struct changes *c,
	const struct object_id *object, const struct object_record *record, int64_t indexed,
	struct outcome *o)
{
	struct victim v = victim_of(object, record, indexed);
	int rc;

	v.since = c->now;
	rc = remove_rows(s, &v, record->chunks > 1);

	if (!rc)
		rc = victims_add(s->m, s->txn, c->user, &v);
	if (!rc)
		rc = note_gone(&v, o);
	if (rc)
		return rc;
	s->totals.cost = less_or_none(s->totals.cost, record->cost);
	s->totals.resident = less_or_none(s->totals.resident, record->resident);
	s->totals.changes++;
	s->victims.held += record->cost;
	o->freed += record->resident;
	return 0;
}

static int eviction_apply_one(
	struct space *s, const struct changes *c, const struct victim *v, struct outcome *o)
{
	struct object_record r;
	struct span value;
	uint8_t key[USE_KEY_SIZE];
	int rc = table_get(s->m, s->txn, TABLE_OBJECTS, span_of_object(&v->object), &value);

	if (!rc)
		rc = object_record_peek(value, &r);
	if (rc && rc != ERR_ABSENT && rc != ERR_CORRUPT)
		return rc;
	o->rot = o->rot || rc == ERR_CORRUPT;
	if (rc || r.last_use != v->last_use)
		return table_delete(
			s->m, s->txn, TABLE_USE, use_key(v->last_use, &v->object, key));
	if (r.instance != v->instance ||
		(!c->even_pinned && pins_has(s->m, s->txn, &v->object)))
		return 0;
	return eviction_remove(s, c, &v->object, &r, v->last_use, o);
}

int eviction_apply(struct space *s, const struct changes *c, struct outcome *o)
{
	int rc = 0;

	for (size_t i = 0; i < c->victim_count && !rc; i++) {
		o->enough = c->if_short && space_deficit(s, c->need) == 0;
		if (o->enough)
			break;
		rc = eviction_apply_one(s, c, &c->victims[i], o);
	}
	return rc;
}
