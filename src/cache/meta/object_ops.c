/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>

#include "cache/meta/eviction.h"
#include "cache/meta/object_ops.h"
#include "cache/meta/unflushed.h"

#define NOT_INDEXED -1

/* One call. */
struct object_ops {
	struct space *space;
	const struct changes *changes;
	struct outcome *outcome;
	uint64_t released, applied;
};

/* The record that the changes to one object work on. */
struct subject {
	struct object_ops *ops;
	struct object_id object;
	struct object_record record;
	bool exists, changed;
	uint64_t marked; /* sequence of the last mark that was made; 0: none was */
	bool discarded;	 /* that instance: its file is about to go */
	uint64_t discarded_instance;
	int64_t indexed; /* the last use that its row in the order has */
};

static struct metadata *metadata_of(const struct subject *s)
{
	return s->ops->space->m;
}

static MDB_txn *txn_of(const struct subject *s)
{
	return s->ops->space->txn;
}

static int subject_load(struct subject *s)
{
	int rc = object_record_get(metadata_of(s), txn_of(s), &s->object, &s->record);

	s->exists = !rc;
	s->indexed = rc ? NOT_INDEXED : s->record.last_use;
	if (rc == ERR_CORRUPT) {
		/* Its bytes are in the totals: they are to be counted again. */
		s->ops->outcome->rot = true;
		return 0;
	}
	return rc == ERR_ABSENT ? 0 : rc;
}

static int subject_discard(struct subject *s)
{
	int rc = eviction_remove(s->ops->space, s->ops->changes, &s->object, &s->record,
		s->indexed == NOT_INDEXED ? s->record.last_use : s->indexed,
		s->ops->outcome);

	object_record_release(&s->record);
	s->exists = s->changed = false;
	s->marked = 0;
	s->discarded = true;
	s->discarded_instance = s->record.instance;
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
		rc = table_delete(metadata_of(s), txn_of(s), TABLE_USE,
			use_key(s->indexed, &s->object, key));
	if (rc || table_has_key(metadata_of(s), txn_of(s), TABLE_PINNED,
			  span_of_object(&s->object)))
		return rc;
	return table_put_key(metadata_of(s), txn_of(s), TABLE_USE,
		use_key(s->record.last_use, &s->object, key));
}

static int subject_note_unflushed(struct subject *s)
{
	const struct unflushed u = {
		s->record.instance, s->ops->changes->user, s->object, s->marked};

	return unflushed_put(metadata_of(s), txn_of(s), &u);
}

static int subject_store(struct subject *s)
{
	int rc = 0;

	if (s->exists && s->changed && s->record.present == 0)
		return subject_discard(s);
	if (s->exists && s->changed)
		rc = subject_index(s);
	if (!rc && s->exists && s->changed)
		rc = object_record_put(metadata_of(s), txn_of(s), &s->object, &s->record);
	if (!rc && s->exists && s->marked)
		rc = subject_note_unflushed(s);
	if (s->exists)
		object_record_release(&s->record);
	return rc;
}

static int subject_create(struct subject *s, const struct change *op)
{
	if (!op->creates || (s->discarded && s->discarded_instance == op->instance))
		return ERR_ABSENT;
	s->record = (struct object_record){.size = op->object_size,
		.chunks = op->chunks,
		.instance = op->instance,
		.generation = op->generation,
		.last_use = op->seconds,
		.file = op->file};
	s->record.bitmap = calloc(BITMAP_WORDS(op->chunks), sizeof(uint64_t));
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

static int put_rows(struct subject *s, const struct change *op)
{
	struct chunk_record chunk = {op->start, op->size, op->chunk};
	struct place_record place = {s->object, op->instance, op->ordinal};
	int rc;

	/* The only chunk of an object is the object. */
	if (s->record.chunks == 1)
		return 0;
	rc = chunk_record_put(metadata_of(s), txn_of(s), op->instance, op->ordinal, &chunk);
	if (!rc)
		rc = place_record_put(metadata_of(s), txn_of(s), &op->chunk, &place);
	return rc;
}

static void set_cost(struct subject *s, uint64_t cost)
{
	struct totals_record *totals = &s->ops->space->totals;
	uint64_t others = less_or_none(totals->cost, s->record.cost);

	s->record.cost = object_record_clamp_cost(&s->record, cost);
	totals->cost = others + s->record.cost;
	s->changed = true;
}

static int apply_mark(struct subject *s, struct change *op)
{
	struct object_record *r = &s->record;
	uint64_t cost = chunk_cost(op->start, op->size);
	int rc;

	if (bit_of(r, op->ordinal))
		return 0;
	if (op->size > r->size - r->resident) {
		op->result = CHANGE_STALE; /* chunks that overlap: not one list */
		return 0;
	}
	rc = put_rows(s, op);
	if (rc)
		return rc;
	r->bitmap[op->ordinal / 64] |= UINT64_C(1) << (op->ordinal % 64);
	r->present++;
	r->resident += op->size;
	s->ops->space->totals.resident += op->size;
	set_cost(s, r->cost + cost);
	s->ops->applied += cost;
	s->marked = op->sequence;
	return 0;
}

static int apply_drop(struct subject *s, struct change *op)
{
	struct object_record *r = &s->record;
	struct totals_record *totals = &s->ops->space->totals;
	uint8_t key[CHUNK_KEY_SIZE];

	if (!bit_of(r, op->ordinal))
		return 0;
	r->bitmap[op->ordinal / 64] &= ~(UINT64_C(1) << (op->ordinal % 64));
	r->present--;
	r->resident = less_or_none(r->resident, op->size);
	r->drops++;
	totals->resident = less_or_none(totals->resident, op->size);
	totals->changes++;
	set_cost(s, less_or_none(r->cost, chunk_cost(op->start, op->size)));
	return table_delete(metadata_of(s), txn_of(s), TABLE_CHUNKS,
		chunk_key(op->instance, op->ordinal, key));
}

/* What the marks say was written to another file. */
static void apply_adoption(struct subject *s, const struct change *op)
{
	struct object_record *r = &s->record;

	if (r->file == op->file)
		return;
	r->file = op->file;
	r->generation = GENERATION_NONE;
	s->changed = true;
}

static void apply_use(struct subject *s, const struct change *op)
{
	struct object_record *r = &s->record;

	/* Not worth a commit that makes the file grow. */
	if (op->seconds <= r->last_use || space_growth(s->ops->space) == GROWTH_READER)
		return;
	r->last_use = op->seconds;
	s->changed = true;
}

static int apply_to_record(struct subject *s, struct change *op)
{
	struct object_record *r = &s->record;

	if ((op->kind == CHANGE_MARK || op->kind == CHANGE_DROP) &&
		op->ordinal >= r->chunks)
		return 0;
	switch (op->kind) {
	case CHANGE_MARK:
		return apply_mark(s, op);
	case CHANGE_DROP:
		op->result = CHANGE_ENDED;
		return apply_drop(s, op);
	case CHANGE_LOSE:
		op->result = CHANGE_ENDED;
		return subject_discard(s);
	case CHANGE_USE:
		apply_use(s, op);
		return 0;
	case CHANGE_MEASURE:
		set_cost(s, op->size);
		return 0;
	case CHANGE_FLUSHED:
		return 0; /* its row is not the record's */
	case CHANGE_ADOPT:
		apply_adoption(s, op);
		return 0;
	case CHANGE_TRUST:
		/* Hashed in an older epoch, it is to be hashed again. */
		if (op->generation > r->generation)
			r->generation = op->generation;
		s->changed = true;
		return 0;
	}
	return 0;
}

/* The row of a mark that was made in this transaction is not yet there. */
static int apply_flushed(struct subject *s, const struct change *op)
{
	if (s->exists && s->record.instance == op->instance && s->marked <= op->sequence)
		s->marked = 0;
	return unflushed_remove(metadata_of(s), txn_of(s), s->ops->changes->user,
		op->instance, op->sequence);
}

/* Is it for the record as it is? */
static bool is_meant(const struct subject *s, const struct change *op)
{
	if (!s->exists || s->record.instance != op->instance)
		return false;
	/* Who says so has had the file open since before it was replaced. */
	return (op->kind != CHANGE_MARK && op->kind != CHANGE_TRUST) ||
	       s->record.file == op->file;
}

static int apply_op(struct subject *s, struct change *op)
{
	int rc = 0;

	op->result = op->kind == CHANGE_MARK ? CHANGE_DONE : CHANGE_NOTHING;
	if (op->kind == CHANGE_FLUSHED)
		return apply_flushed(s, op);
	if (op->kind == CHANGE_MARK)
		s->ops->released += chunk_cost(op->start, op->size);
	if (!s->exists && op->kind == CHANGE_MARK)
		rc = subject_create(s, op);
	if (rc == ERR_ABSENT || !is_meant(s, op)) {
		op->result = CHANGE_STALE;
		return rc == ERR_ABSENT ? 0 : rc;
	}
	return apply_to_record(s, op);
}

static int by_object_and_number(const void *a, const void *b)
{
	const struct change *x = a, *y = b;
	int order = object_id_compare(&x->object, &y->object);

	if (order)
		return order;
	return x->number < y->number ? -1 : x->number > y->number;
}

/* Those of one object: ops[0..count). */
static int apply_to_object(struct object_ops *k, struct change *ops, size_t count)
{
	struct subject s = {.ops = k, .object = ops->object};
	int rc = subject_load(&s);

	for (size_t i = 0; i < count && !rc; i++)
		rc = apply_op(&s, &ops[i]);
	if (rc && s.exists)
		object_record_release(&s.record);
	return rc ? rc : subject_store(&s);
}

static size_t count_of_object(const struct change *ops, size_t count)
{
	size_t n = 1;

	while (n < count && object_id_equal(&ops[n].object, &ops->object))
		n++;
	return n;
}

int object_ops_apply(struct space *s, const struct changes *c, struct outcome *o,
	uint64_t *released, uint64_t *applied)
{
	struct object_ops k = {.space = s, .changes = c, .outcome = o};
	int rc = 0;

	if (c->op_count)
		qsort(c->ops, c->op_count, sizeof *c->ops, by_object_and_number);
	for (size_t i = 0; i < c->op_count && !rc;) {
		size_t count = count_of_object(c->ops + i, c->op_count - i);

		rc = apply_to_object(&k, c->ops + i, count);
		i += count;
	}
	if (rc)
		return rc;
	*released = k.released;
	*applied = k.applied;
	return 0;
}
