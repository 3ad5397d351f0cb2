/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "publish/blobs.h"
#include "publish/listed_blobs.h"
#include "publish/tally.h"

/* A delta below this part of the content is taken without trying the plain form. */
#define DELTA_SURELY 8
/* Else it has to be below this part of the plain form: a reader pays for the base too. */
#define DELTA_WORTH 2

struct blobs {
	struct store *store;
	int level;
	bool verify;
	struct tally *tally;
	struct listed_blobs *listed; /* NULL: not looked for */

	pthread_mutex_t blobs_mtx; /* the fields below */
	struct blob_totals totals;
	unsigned writers, writing;
	struct digest names[]; /* being written: `writing` of at most `writers` */
};

struct blobs *blobs_new(struct store *store, int level, unsigned writers, bool verify)
{
	struct blobs *b = calloc(1, sizeof *b + writers * sizeof b->names[0]);

	if (!b)
		return NULL;
	b->store = store;
	b->level = level;
	b->verify = verify;
	b->writers = writers;
	b->tally = tally_new();
	if (!b->tally) {
		free(b);
		return NULL;
	}
	pthread_mutex_init(&b->blobs_mtx, NULL);
	return b;
}

void blobs_free(struct blobs *b)
{
	if (!b)
		return;
	listed_blobs_free(b->listed);
	tally_free(b->tally);
	pthread_mutex_destroy(&b->blobs_mtx);
	free(b);
}

int blobs_heed_lists(struct blobs *b, struct trouble *t)
{
	return listed_blobs_new(b->store, &b->listed, t);
}

static bool blobs_rely_on(void *ctx, const struct digest *name)
{
	const struct blobs *b = ctx;

	return tally_has(b->tally, name);
}

int blobs_secure(struct blobs *b, struct trouble *t)
{
	return b->listed ? listed_blobs_secure(b->listed, blobs_rely_on, b, t) : 0;
}

static int blobs_rescue(struct blobs *b, const struct digest *name)
{
	return b->listed ? listed_blobs_rescue(b->listed, name, NULL) : 0;
}

static unsigned find_writing(const struct blobs *b, const struct digest *name)
{
	unsigned i = 0;

	while (i < b->writing && !digest_equal(&b->names[i], name))
		i++;
	return i;
}

/* False when another thread is at it: its success or failure is the publish's. */
static bool claim(struct blobs *b, const struct digest *name)
{
	bool mine;

	pthread_mutex_lock(&b->blobs_mtx);
	mine = find_writing(b, name) == b->writing;
	if (mine) {
		assert(b->writing < b->writers);
		b->names[b->writing++] = *name;
	}
	pthread_mutex_unlock(&b->blobs_mtx);
	return mine;
}

static void unclaim(struct blobs *b, const struct digest *name)
{
	unsigned i;

	pthread_mutex_lock(&b->blobs_mtx);
	i = find_writing(b, name);
	b->names[i] = b->names[--b->writing];
	pthread_mutex_unlock(&b->blobs_mtx);
}

static void note_delta(struct blobs *b)
{
	pthread_mutex_lock(&b->blobs_mtx);
	b->totals.delta = true;
	pthread_mutex_unlock(&b->blobs_mtx);
}

/* The base of a delta belongs to the revision as well. */
static int count_base(struct blobs *b, const struct digest *base)
{
	struct stored stored;
	int rc = store_find_blob(b->store, base, &stored, NULL);

	if (rc || stored.has_base)
		return ERR_CORRUPT; /* what is made on it cannot be read */
	rc = blobs_rescue(b, base);
	if (rc)
		return rc;
	note_delta(b);
	return tally_add(b->tally, base, stored.size);
}

/* With --verify: its bytes, too. */
static int blobs_decode(struct blobs *b, struct scratch *x, const struct digest *name)
{
	int rc = store_read_blob(b->store, x->codec, name, &x->plain, NULL);

	return rc == ERR_ABSENT ? ERR_CORRUPT : rc; /* its base is gone */
}

int blobs_adopt(
	struct blobs *b, struct scratch *x, const struct digest *name, uint64_t size)
{
	struct stored stored;
	int rc = store_find_blob(b->store, name, &stored, NULL);

	if (!rc && size && stored.content != size)
		rc = ERR_CORRUPT;
	if (!rc && b->verify)
		rc = blobs_decode(b, x, name);
	if (!rc && stored.has_base)
		rc = count_base(b, &stored.base);
	if (!rc)
		rc = blobs_rescue(b, name);
	return rc ? rc : tally_add(b->tally, name, stored.size);
}

/* A chunk to make a delta on: the hint's, or when that is a delta, its base. Its bytes are
 * left in x->base. */
static int blobs_find_base(struct blobs *b, struct scratch *x, const struct digest *name,
	const struct base_hint *hint, struct digest *base)
{
	struct stored stored;
	int rc = hint->find(hint->ctx, x, base);

	if (!rc)
		rc = store_find_blob(b->store, base, &stored, NULL);
	if (!rc && stored.has_base) {
		*base = stored.base;
		rc = store_find_blob(b->store, base, &stored, NULL);
	}
	if (rc)
		return rc;
	if (stored.has_base || digest_equal(base, name))
		return ERR_ABSENT;
	rc = blobs_rescue(b, base);
	return rc ? rc : store_read_blob(b->store, x->codec, base, &x->base, NULL);
}

/* A stored form, in x->delta or x->plain. */
struct form {
	struct span stored;
	bool delta;
	struct digest base;
};

static int encode(struct blobs *b, struct scratch *x, const struct digest *name,
	struct span content, const struct base_hint *hint, struct form *out)
{
	int rc;

	bytes_clear(&x->delta);
	bytes_clear(&x->plain);
	out->delta = hint && !blobs_find_base(b, x, name, hint, &out->base) &&
		     !blob_encode_delta(x->codec, content, &out->base,
			     span_of_bytes(&x->base), b->level, &x->delta);
	out->stored = span_of_bytes(&x->delta);
	if (out->delta && x->delta.size < content.size / DELTA_SURELY)
		return 0;
	rc = blob_encode(x->codec, content, b->level, &x->plain);
	if (rc)
		return rc;
	out->delta = out->delta && x->delta.size < x->plain.size / DELTA_WORTH;
	if (!out->delta)
		out->stored = span_of_bytes(&x->plain);
	return 0;
}

static void count_new(struct blobs *b, const struct form *form, bool in_place_of_damage)
{
	pthread_mutex_lock(&b->blobs_mtx);
	b->totals.damaged_blobs += in_place_of_damage;
	b->totals.new_blobs++;
	b->totals.new_bytes += form->stored.size;
	b->totals.delta_blobs += form->delta;
	pthread_mutex_unlock(&b->blobs_mtx);
}

static int put_claimed(struct blobs *b, struct scratch *x, const struct digest *name,
	struct span content, const struct base_hint *hint, struct trouble *t)
{
	struct form form;
	int rc = blobs_adopt(b, x, name, content.size);
	bool damaged = rc == ERR_CORRUPT;

	if (rc == 0 || rc == ERR_NO_MEMORY)
		return rc;
	/* What older revisions have as a whole stays whole: they do not say that they have
	 * deltas, and gc would not look for its base. */
	rc = encode(b, x, name, content, damaged ? NULL : hint, &form);
	if (!rc)
		rc = store_write_blob(b->store, name, form.stored, t);
	if (rc)
		return rc;
	rc = form.delta ? count_base(b, &form.base) : 0;
	if (!rc)
		rc = tally_add(b->tally, name, form.stored.size);
	if (!rc)
		count_new(b, &form, damaged);
	return rc;
}

int blobs_put(struct blobs *b, struct scratch *x, const struct digest *name,
	struct span content, const struct base_hint *hint, struct trouble *t)
{
	int rc;

	if (!claim(b, name))
		return 0;
	rc = put_claimed(b, x, name, content, hint, t);
	unclaim(b, name);
	return rc;
}

int blobs_sink_emit(void *ctx, const struct digest *name, struct span text)
{
	struct blobs_sink *s = ctx;

	int rc = blobs_put(s->blobs, s->x, name, text, NULL, s->t);

	s->rc = rc ? rc : s->rc;
	return rc;
}

struct blob_totals blobs_totals(struct blobs *b)
{
	struct blob_totals totals;

	pthread_mutex_lock(&b->blobs_mtx);
	totals = b->totals;
	pthread_mutex_unlock(&b->blobs_mtx);
	totals.stored = tally_bytes(b->tally);
	return totals;
}
