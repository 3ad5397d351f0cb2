/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cache/write/writer.h"
#include "cache/meta/object_ops.h"

#define NOT_INDEXED -1

/* The record that the ops of one object work on. */
struct subject {
	struct marks *marks;
	struct digest digest;
	struct object_record record;
	bool exists, changed;
	int64_t indexed; /* the last use that its row in the order has */
};

static struct metadata *metadata_of(const struct subject *s)
{
	return s->marks->room->cache->metadata;
}

static MDB_txn *txn_of(const struct subject *s)
{
	return s->marks->room->txn;
}

static int subject_load(struct subject *s)
{
	int rc = object_record_get(metadata_of(s), txn_of(s), &s->digest, &s->record);

	s->exists = !rc;
	s->indexed = rc ? NOT_INDEXED : s->record.last_use;
	if (rc == ERR_CORRUPT) {
		/* Its bytes are in the totals: they are to be counted again. */
		committer_ask_repair(s->marks->room->cache->committer);
		return 0;
	}
	return rc == ERR_ABSENT ? 0 : rc;
}

static int subject_discard(struct subject *s)
{
	int rc = room_discard(s->marks->room, &s->digest, &s->record,
		s->indexed == NOT_INDEXED ? s->record.last_use : s->indexed);

	object_record_release(&s->record);
	s->exists = s->changed = false;
	s->indexed = NOT_INDEXED;
	return rc;
}

static int subject_index(struct subject *s)
{
	uint8_t key[USE_KEY_SIZE];
	int rc = 0;

	if (s->indexed == s->record.last_use)
		return 0;
	if (s->indexed != NOT_INDEXED)
		rc = metadata_delete(metadata_of(s), txn_of(s), TABLE_USE,
			use_key(s->indexed, &s->digest, key));
	if (rc || metadata_has_key(metadata_of(s), txn_of(s), TABLE_PINNED,
			  span_of_digest(&s->digest)))
		return rc;
	return metadata_put_key(metadata_of(s), txn_of(s), TABLE_USE,
		use_key(s->record.last_use, &s->digest, key));
}

static int subject_store(struct subject *s)
{
	int rc = 0;

	if (s->exists && s->changed && s->record.present == 0)
		return subject_discard(s);
	if (s->exists && s->changed)
		rc = subject_index(s);
	if (!rc && s->exists && s->changed)
		rc = object_record_put(metadata_of(s), txn_of(s), &s->digest, &s->record);
	if (s->exists)
		object_record_release(&s->record);
	return rc;
}

/* A record for a file that this process made; not when it was removed meanwhile. */
static int subject_create(struct subject *s, const struct op *op)
{
	const struct object *o = op->object;
	struct stat st;

	if (atomic_load(&o->recorded) || fstat(o->fd, &st) || st.st_nlink == 0)
		return ERR_ABSENT;
	s->record = (struct object_record){.size = o->size,
		.chunks = o->chunks,
		.instance = o->instance,
		.generation = o->cache->generation,
		.last_use = op->seconds,
		.layout = o->layout};
	s->record.bitmap = calloc(BITMAP_WORDS(o->chunks), sizeof(uint64_t));
	if (!s->record.bitmap)
		return ERR_NO_MEMORY;
	s->exists = true;
	s->indexed = NOT_INDEXED;
	return 0;
}

static bool bit_of(const struct object_record *r, uint64_t ordinal)
{
	return r->bitmap[ordinal / 64] >> (ordinal % 64) & 1;
}

static int put_rows(struct subject *s, const struct op *op)
{
	struct chunk_record chunk = {op->start, op->size, op->chunk};
	struct place_record place = {s->digest, op->instance, op->ordinal};
	int rc;

	/* The only chunk of an object is the object. */
	if (s->record.chunks == 1)
		return 0;
	rc = chunk_record_put(metadata_of(s), txn_of(s), op->instance, op->ordinal, &chunk);
	if (!rc)
		rc = place_record_put(metadata_of(s), txn_of(s), &op->chunk, &place);
	return rc;
}

static int mark(struct subject *s, struct op *op)
{
	struct object_record *r = &s->record;
	uint64_t cost = chunk_cost(op->start, op->size);
	int rc;

	if (bit_of(r, op->ordinal))
		return 0;
	if (op->size > r->size - r->resident) {
		op->outcome = OP_STALE; /* chunks that overlap: not one list */
		return 0;
	}
	rc = put_rows(s, op);
	if (rc)
		return rc;
	r->bitmap[op->ordinal / 64] |= UINT64_C(1) << (op->ordinal % 64);
	r->present++;
	r->resident += op->size;
	r->cost += cost;
	s->marks->room->totals.resident += op->size;
	s->marks->room->totals.cost += cost;
	s->marks->applied += cost;
	s->changed = true;
	return 0;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static int drop(struct subject *s, struct op *op)
{
	struct object_record *r = &s->record;
	struct totals_record *totals = &s->marks->room->totals;
	uint8_t key[CHUNK_KEY_SIZE];
	uint64_t cost = chunk_cost(op->start, op->size);

	if (!bit_of(r, op->ordinal))
		return 0;
	r->bitmap[op->ordinal / 64] &= ~(UINT64_C(1) << (op->ordinal % 64));
	r->present--;
	r->resident = less(r->resident, op->size);
	r->cost = less(r->cost, cost);
	r->drops++;
	totals->resident = less(totals->resident, op->size);
	totals->cost = less(totals->cost, cost);
	totals->changes++;
	s->changed = true;
	return metadata_delete(metadata_of(s), txn_of(s), TABLE_CHUNKS,
		chunk_key(op->instance, op->ordinal, key));
}

static int apply_to_record(struct subject *s, struct op *op)
{
	struct object_record *r = &s->record;

	if (op->kind != OP_LOSE && op->kind != OP_USE && op->kind != OP_TRUST &&
		op->ordinal >= r->chunks)
		return 0;
	switch (op->kind) {
	case OP_MARK:
		return mark(s, op);
	case OP_DROP:
		op->outcome = OP_ENDED;
		return drop(s, op);
	case OP_LOSE:
		op->outcome = OP_ENDED;
		return subject_discard(s);
	case OP_USE:
		s->changed = s->changed || op->seconds > r->last_use;
		if (op->seconds > r->last_use)
			r->last_use = op->seconds;
		return 0;
	case OP_TRUST:
		r->generation = s->marks->room->cache->generation;
		s->changed = true;
		return 0;
	}
	return 0;
}

static int apply_op(struct subject *s, struct op *op)
{
	int rc = 0;

	op->outcome = op->kind == OP_MARK ? OP_DONE : OP_NOTHING;
	if (op->kind == OP_MARK)
		s->marks->settled += chunk_cost(op->start, op->size);
	if (!s->exists && op->kind == OP_MARK)
		rc = subject_create(s, op);
	if (rc == ERR_ABSENT || !s->exists || s->record.instance != op->instance) {
		op->outcome = OP_STALE;
		return rc == ERR_ABSENT ? 0 : rc;
	}
	return apply_to_record(s, op);
}

static int by_object_and_number(const void *a, const void *b)
{
	const struct op *x = a, *y = b;
	int order = digest_compare(&x->digest, &y->digest);

	if (order)
		return order;
	return x->number < y->number ? -1 : x->number > y->number;
}

int marks_apply(struct marks *k, struct batch *b)
{
	int rc = 0;

	k->settled = k->applied = 0;
	if (b->op_count)
		qsort(b->ops, b->op_count, sizeof(*b->ops), by_object_and_number);
	for (size_t i = 0; i < b->op_count && !rc;) {
		struct subject s = {.marks = k, .digest = b->ops[i].digest};

		rc = subject_load(&s);
		for (; !rc && i < b->op_count && digest_equal(&b->ops[i].digest, &s.digest);
			i++)
			rc = apply_op(&s, &b->ops[i]);
		if (rc && s.exists)
			object_record_release(&s.record);
		if (!rc)
			rc = subject_store(&s);
	}
	return rc;
}
