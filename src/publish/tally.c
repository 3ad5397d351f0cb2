/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <pthread.h>
#include <stdlib.h>

#include "publish/tally.h"
#include "util/error.h"

#define SLOTS_MIN 1024

struct tally {
	pthread_mutex_t tally_mtx; /* all below */
	uint64_t *slots;	   /* open addressing; 0: free */
	size_t slot_count;	   /* a power of two */
	uint64_t count, bytes;
};

struct tally *tally_new(void)
{
	struct tally *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	t->slot_count = SLOTS_MIN;
	t->slots = calloc(t->slot_count, sizeof *t->slots);
	if (!t->slots) {
		free(t);
		return NULL;
	}
	pthread_mutex_init(&t->tally_mtx, NULL);
	return t;
}

void tally_free(struct tally *t)
{
	if (!t)
		return;
	pthread_mutex_destroy(&t->tally_mtx);
	free(t->slots);
	free(t);
}

static uint64_t *tally_probe(uint64_t *slots, size_t slot_count, uint64_t key)
{
	size_t i = (size_t)key & (slot_count - 1);

	while (slots[i] != 0 && slots[i] != key)
		i = (i + 1) & (slot_count - 1);
	return &slots[i];
}

static int tally_grow(struct tally *t)
{
	size_t count = t->slot_count * 2;
	uint64_t *slots = calloc(count, sizeof *slots);

	if (!slots)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < t->slot_count; i++)
		if (t->slots[i] != 0)
			*tally_probe(slots, count, t->slots[i]) = t->slots[i];
	free(t->slots);
	t->slots = slots;
	t->slot_count = count;
	return 0;
}

static int tally_add_locked(struct tally *t, uint64_t key, uint64_t size)
{
	uint64_t *slot;
	int rc = t->count * 4 >= t->slot_count * 3 ? tally_grow(t) : 0;

	if (rc)
		return rc;
	slot = tally_probe(t->slots, t->slot_count, key);
	if (*slot == key)
		return 0;
	*slot = key;
	t->count++;
	t->bytes += size;
	return 0;
}

int tally_add(struct tally *t, const struct digest *d, uint64_t size)
{
	uint64_t key = digest_prefix(d);
	int rc;

	pthread_mutex_lock(&t->tally_mtx);
	rc = tally_add_locked(t, key ? key : 1, size);
	pthread_mutex_unlock(&t->tally_mtx);
	return rc;
}

bool tally_has(struct tally *t, const struct digest *d)
{
	uint64_t key = digest_prefix(d);
	bool has;

	pthread_mutex_lock(&t->tally_mtx);
	has = *tally_probe(t->slots, t->slot_count, key ? key : 1) != 0;
	pthread_mutex_unlock(&t->tally_mtx);
	return has;
}

uint64_t tally_count(struct tally *t)
{
	uint64_t count;

	pthread_mutex_lock(&t->tally_mtx);
	count = t->count;
	pthread_mutex_unlock(&t->tally_mtx);
	return count;
}

uint64_t tally_bytes(struct tally *t)
{
	uint64_t bytes;

	pthread_mutex_lock(&t->tally_mtx);
	bytes = t->bytes;
	pthread_mutex_unlock(&t->tally_mtx);
	return bytes;
}
