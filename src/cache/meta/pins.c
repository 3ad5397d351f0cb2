/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <string.h>

#include "cache/meta/pins.h"

#define KEY_MAX (PIN_NAME_MAX + 1 + OBJECT_ID_SIZE)
#define UNPIN_MAX 1000 /* in one transaction: LMDB bounds its dirty pages */

static struct span pins_key(
	const char *name, const struct object_id *object, uint8_t key[KEY_MAX])
{
	size_t size = strlen(name) + 1;

	memcpy(key, name, size);
	memcpy(key + size, object, OBJECT_ID_SIZE);
	return span_of(key, size + OBJECT_ID_SIZE);
}

/* A key that is a name, NUL and an object id. */
static int pin_key_decode(struct span key, const char **name, struct object_id *object)
{
	const uint8_t *end = memchr(key.data, 0, key.size);

	if (!end || key.size != (size_t)(end - key.data) + 1 + OBJECT_ID_SIZE ||
		end == key.data)
		return ERR_CORRUPT;
	*name = (const char *)key.data;
	memcpy(object, end + 1, OBJECT_ID_SIZE);
	return 0;
}

static int pin_count_get(
	struct metadata *m, MDB_txn *txn, const struct object_id *object, uint64_t *count)
{
	struct span value;
	int rc = table_get(m, txn, TABLE_PINNED, span_of_object(object), &value);

	if (rc && rc != ERR_ABSENT && rc != ERR_CORRUPT)
		return rc;
	*count = 0;
	if (!rc && value.size == sizeof *count)
		memcpy(count, value.data, sizeof *count);
	return 0;
}

static int pin_count_put(
	struct metadata *m, MDB_txn *txn, const struct object_id *object, uint64_t count)
{
	if (!count)
		return table_delete(m, txn, TABLE_PINNED, span_of_object(object));
	return table_put(m, txn, TABLE_PINNED, span_of_object(object),
		span_of(&count, sizeof count), span_of(NULL, 0));
}

/* Takes the object out of the order of eviction, or puts it back. */
static int pin_index_object(
	struct metadata *m, MDB_txn *txn, const struct object_id *object, bool in)
{
	uint8_t key[USE_KEY_SIZE];
	struct object_record r;
	struct span value;

	if (table_get(m, txn, TABLE_OBJECTS, span_of_object(object), &value) ||
		object_record_peek(value, &r))
		return 0;
	if (in)
		return table_put_key(m, txn, TABLE_USE, use_key(r.last_use, object, key));
	return table_delete(m, txn, TABLE_USE, use_key(r.last_use, object, key));
}

static int pin_add(struct metadata *m, MDB_txn *txn, const struct pin_change *pin)
{
	uint8_t key[KEY_MAX];
	struct span k = pins_key(pin->name, &pin->object, key);
	uint64_t count;
	int rc;

	if (table_has_key(m, txn, TABLE_PINS, k))
		return 0;
	rc = table_put_key(m, txn, TABLE_PINS, k);
	if (!rc)
		rc = pin_count_get(m, txn, &pin->object, &count);
	if (!rc)
		rc = pin_count_put(m, txn, &pin->object, count + 1);
	if (!rc && count == 0)
		rc = pin_index_object(m, txn, &pin->object, false);
	return rc;
}

int pins_apply(struct metadata *m, MDB_txn *txn, const struct changes *c)
{
	int rc = 0;

	for (size_t i = 0; i < c->pin_count && !rc; i++)
		rc = pin_add(m, txn, &c->pins[i]);
	return rc;
}

bool pins_has(struct metadata *m, MDB_txn *txn, const struct object_id *object)
{
	return table_has_key(m, txn, TABLE_PINNED, span_of_object(object));
}

int pins_look(struct metadata *m, const struct object_id *object, bool *pinned)
{
	MDB_txn *txn;
	int rc = metadata_read(m, &txn);

	if (rc)
		return rc;
	*pinned = pins_has(m, txn, object);
	metadata_read_end(m, txn);
	return 0;
}

struct unpin {
	struct metadata *m;
	const char *name;
	uint64_t removed;
};

static int pin_remove(
	struct metadata *m, MDB_txn *txn, struct span key, const struct object_id *object)
{
	uint64_t count;
	int rc = table_remove(m, txn, TABLE_PINS, key);

	if (!rc)
		rc = pin_count_get(m, txn, object, &count);
	if (!rc)
		rc = pin_count_put(m, txn, object, count > 1 ? count - 1 : 0);
	if (!rc && count <= 1)
		rc = pin_index_object(m, txn, object, true);
	return rc;
}

static int unpin_some(MDB_txn *txn, void *arg)
{
	struct unpin *u = arg;
	struct span from = span_of(u->name, strlen(u->name) + 1), key;
	uint8_t copy[KEY_MAX];
	struct object_id object;
	const char *name;
	MDB_val raw;
	int rc = 0;

	u->removed = 0;
	while (!rc && u->removed < UNPIN_MAX) {
		struct table_cursor cursor = {0};

		rc = table_next(u->m, txn, TABLE_PINS, from, &cursor, &key, &raw);
		if (!rc && (key.size > KEY_MAX || pin_key_decode(key, &name, &object) ||
				   strcmp(name, u->name) != 0))
			rc = ERR_ABSENT;
		if (!rc) {
			memcpy(copy, key.data, key.size);
			rc = pin_remove(u->m, txn, span_of(copy, key.size), &object);
			u->removed++;
		}
		table_cursor_close(&cursor);
	}
	return rc == ERR_ABSENT ? 0 : rc;
}

/* The pin after `after`, and how many objects it has. */
int pins_next(struct metadata *m, const char *after, struct pin_count *out)
{
	struct table_cursor cursor = {0};
	uint8_t from[PIN_NAME_MAX + 2];
	size_t size = strlen(after);
	struct object_id object;
	const char *name;
	struct span key;
	MDB_txn *txn;
	MDB_val raw;
	int rc = metadata_read(m, &txn);

	if (rc)
		return rc;
	/* 0x01 comes behind the NUL that all keys of `after` have there. */
	memcpy(from, after, size);
	from[size] = 1;
	out->objects = 0;
	for (;;) {
		rc = table_next(m, txn, TABLE_PINS, span_of(from, size ? size + 1 : 0),
			&cursor, &key, &raw);
		if (rc)
			break;
		if (key.size > KEY_MAX || pin_key_decode(key, &name, &object))
			continue;
		if (out->objects && strcmp(name, out->name) != 0)
			break;
		strcpy(out->name, name);
		out->objects++;
	}
	table_cursor_close(&cursor);
	metadata_read_end(m, txn);
	return out->objects ? 0 : rc;
}

int pins_remove_some(
	struct metadata *m, int64_t deadline, const char *name, uint64_t *removed)
{
	struct unpin u = {.m = m, .name = name};
	int rc = metadata_write(m, deadline, unpin_some, &u);

	if (!rc)
		*removed = u.removed;
	return rc;
}
