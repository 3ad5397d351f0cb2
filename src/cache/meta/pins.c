/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <string.h>

#include "cache/write/writer.h"
#include "cache/inspect.h"
#include "cache/meta/pins.h"

#define KEY_MAX (PIN_NAME_MAX + 1 + DIGEST_SIZE)
#define UNPIN_MAX 1000 /* in one transaction: LMDB bounds its dirty pages */

static struct span pin_key(
	const char *name, const struct digest *object, uint8_t key[KEY_MAX])
{
	size_t size = strlen(name) + 1;

	memcpy(key, name, size);
	memcpy(key + size, object->bytes, DIGEST_SIZE);
	return span_of(key, size + DIGEST_SIZE);
}

/* A key that is a name, NUL and a digest. */
static int pin_key_decode(struct span key, const char **name, struct digest *object)
{
	const uint8_t *end = memchr(key.data, 0, key.size);

	if (!end || key.size != (size_t)(end - key.data) + 1 + DIGEST_SIZE ||
		end == key.data)
		return ERR_CORRUPT;
	*name = (const char *)key.data;
	memcpy(object->bytes, end + 1, DIGEST_SIZE);
	return 0;
}

static int count_get(
	struct cache *c, MDB_txn *txn, const struct digest *object, uint64_t *count)
{
	struct span value;
	int rc = metadata_get(
		c->metadata, txn, TABLE_PINNED, span_of_digest(object), &value);

	if (rc && rc != ERR_ABSENT && rc != ERR_CORRUPT)
		return rc;
	*count = 0;
	if (!rc && value.size == sizeof(*count))
		memcpy(count, value.data, sizeof(*count));
	return 0;
}

static int count_put(
	struct cache *c, MDB_txn *txn, const struct digest *object, uint64_t count)
{
	if (!count)
		return metadata_delete(
			c->metadata, txn, TABLE_PINNED, span_of_digest(object));
	return metadata_put(c->metadata, txn, TABLE_PINNED, span_of_digest(object),
		span_of(&count, sizeof(count)), span_of(NULL, 0));
}

/* Takes the object out of the order of eviction, or puts it back. */
static int index_object(struct cache *c, MDB_txn *txn, const struct digest *object, bool in)
{
	uint8_t key[USE_KEY_SIZE];
	struct object_record r;
	struct span value;

	if (metadata_get(c->metadata, txn, TABLE_OBJECTS, span_of_digest(object), &value) ||
		object_record_peek(value, &r))
		return 0;
	if (in)
		return metadata_put_key(
			c->metadata, txn, TABLE_USE, use_key(r.last_use, object, key));
	return metadata_delete(
		c->metadata, txn, TABLE_USE, use_key(r.last_use, object, key));
}

static int add(struct cache *c, MDB_txn *txn, const struct pin_op *pin)
{
	uint8_t key[KEY_MAX];
	struct span k = pin_key(pin->name, &pin->object, key);
	uint64_t count;
	int rc;

	if (metadata_has_key(c->metadata, txn, TABLE_PINS, k))
		return 0;
	rc = metadata_put_key(c->metadata, txn, TABLE_PINS, k);
	if (!rc)
		rc = count_get(c, txn, &pin->object, &count);
	if (!rc)
		rc = count_put(c, txn, &pin->object, count + 1);
	if (!rc && count == 0)
		rc = index_object(c, txn, &pin->object, false);
	return rc;
}

int pins_apply(struct cache *c, MDB_txn *txn, const struct batch *b)
{
	int rc = 0;

	for (size_t i = 0; i < b->pin_count && !rc; i++)
		rc = add(c, txn, &b->pins[i]);
	return rc;
}

bool pins_has(struct cache *c, MDB_txn *txn, const struct digest *object)
{
	return metadata_has_key(c->metadata, txn, TABLE_PINNED, span_of_digest(object));
}

int cache_pin(struct cache *c, const char *pin, const struct digest *object)
{
	size_t size = strlen(pin);

	if (size < 1 || size > PIN_NAME_MAX)
		return ERR_INVALID;
	return committer_pin(c->committer, pin, object);
}

struct unpin {
	struct cache *cache;
	const char *name;
	uint64_t removed;
};

static int remove_one(
	struct cache *c, MDB_txn *txn, struct span key, const struct digest *object)
{
	uint64_t count;
	int rc = metadata_delete(c->metadata, txn, TABLE_PINS, key);

	if (!rc)
		rc = count_get(c, txn, object, &count);
	if (!rc)
		rc = count_put(c, txn, object, count > 1 ? count - 1 : 0);
	if (!rc && count <= 1)
		rc = index_object(c, txn, object, true);
	return rc;
}

static int unpin_some(MDB_txn *txn, void *arg)
{
	struct unpin *u = arg;
	struct span from = span_of(u->name, strlen(u->name) + 1), key;
	uint8_t copy[KEY_MAX];
	struct digest object;
	const char *name;
	MDB_val raw;
	int rc = 0;

	u->removed = 0;
	while (!rc && u->removed < UNPIN_MAX) {
		struct metadata_cursor cursor = {0};

		rc = metadata_next(
			u->cache->metadata, txn, TABLE_PINS, from, &cursor, &key, &raw);
		if (!rc && (key.size > KEY_MAX || pin_key_decode(key, &name, &object) ||
				   strcmp(name, u->name) != 0))
			rc = ERR_ABSENT;
		if (!rc) {
			memcpy(copy, key.data, key.size);
			rc = remove_one(u->cache, txn, span_of(copy, key.size), &object);
			u->removed++;
		}
		metadata_cursor_close(&cursor);
	}
	return rc == ERR_ABSENT ? 0 : rc;
}

int cache_unpin(struct cache *c, const char *pin, uint64_t *objects)
{
	struct unpin u = {.cache = c, .name = pin};
	uint64_t sum = 0;
	int rc = cache_flush(c);

	while (!rc) {
		rc = metadata_write(c->metadata, unpin_some, &u);
		if (rc || !u.removed)
			break;
		sum += u.removed;
	}
	if (!rc && !sum)
		rc = ERR_ABSENT;
	if (!rc)
		*objects = sum;
	return rc;
}

struct pin_count {
	char name[PIN_NAME_MAX + 1];
	uint64_t objects;
};

/* The pin after `after`, and how many objects it has. */
static int next_pin(struct cache *c, const char *after, struct pin_count *out)
{
	struct metadata_cursor cursor = {0};
	uint8_t from[PIN_NAME_MAX + 2];
	size_t size = strlen(after);
	struct digest object;
	const char *name;
	struct span key;
	MDB_txn *txn;
	MDB_val raw;
	int rc = metadata_read(c->metadata, &txn);

	if (rc)
		return rc;
	/* 0x01 comes behind the NUL that all keys of `after` have there. */
	memcpy(from, after, size);
	from[size] = 1;
	out->objects = 0;
	for (;;) {
		rc = metadata_next(c->metadata, txn, TABLE_PINS,
			span_of(from, size ? size + 1 : 0), &cursor, &key, &raw);
		if (rc)
			break;
		if (key.size > KEY_MAX || pin_key_decode(key, &name, &object))
			continue;
		if (out->objects && strcmp(name, out->name) != 0)
			break;
		strcpy(out->name, name);
		out->objects++;
	}
	metadata_cursor_close(&cursor);
	metadata_read_end(c->metadata, txn);
	return out->objects ? 0 : rc;
}

int cache_each_pin(struct cache *c,
	int (*each)(void *ctx, const char *pin, uint64_t objects), void *ctx)
{
	struct pin_count pin = {.name = ""};
	char after[PIN_NAME_MAX + 1] = "";
	int rc = 0;

	committer_flush(c->committer);
	while (!rc) {
		rc = next_pin(c, after, &pin);
		if (rc)
			break;
		strcpy(after, pin.name);
		rc = each(ctx, pin.name, pin.objects);
	}
	return rc == ERR_ABSENT ? 0 : rc;
}
