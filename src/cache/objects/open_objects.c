/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "cache/objects/open_objects.h"
#include "util/clock.h"

#define STRIPES 16
#define BUCKETS 64
#define BITMAPS_MAX ((size_t)512 << 10) /* bytes in one stripe */
#define TRIM_MAX 16			/* closed at a time */
#define BUSY_FOR (5 * NS_PER_SECOND)

struct stripe {
	pthread_mutex_t stripe_mtx; /* over all below, and the table links of its objects */
	struct object *buckets[BUCKETS];
	struct object *newest, *oldest;
	unsigned count;
	size_t bitmaps; /* bytes */
};

struct open_objects {
	unsigned limit; /* per stripe */
	struct stripe stripes[STRIPES];
};

static struct stripe *stripe_of(struct open_objects *t, const struct object_id *id)
{
	return &t->stripes[id->digest.bytes[0] % STRIPES];
}

static struct object **stripe_bucket(struct stripe *s, const struct object_id *id)
{
	return &s->buckets[id->digest.bytes[1] % BUCKETS];
}

struct open_objects *open_objects_new(unsigned limit)
{
	struct open_objects *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	t->limit = limit / STRIPES ? limit / STRIPES : 1;
	for (unsigned i = 0; i < STRIPES; i++)
		pthread_mutex_init(&t->stripes[i].stripe_mtx, NULL);
	return t;
}

static void unlink_use(struct stripe *s, struct object *o)
{
	*(o->newer ? &o->newer->older : &s->newest) = o->older;
	*(o->older ? &o->older->newer : &s->oldest) = o->newer;
	o->newer = o->older = NULL;
}

static void link_use(struct stripe *s, struct object *o)
{
	o->newer = NULL;
	o->older = s->newest;
	*(s->newest ? &s->newest->newer : &s->oldest) = o;
	s->newest = o;
}

static struct object *stripe_find(struct stripe *s, const struct object_id *id)
{
	struct object *o = *stripe_bucket(s, id);

	while (o && !object_id_equal(&o->id, id))
		o = o->next;
	return o;
}

static void stripe_remove(struct stripe *s, struct object *o)
{
	struct object **at = stripe_bucket(s, &o->id);

	while (*at != o)
		at = &(*at)->next;
	*at = o->next;
	o->next = NULL;
	o->listed = false;
	unlink_use(s, o);
	s->count--;
	s->bitmaps -= object_bitmap_bytes(o);
}

struct object *open_objects_find(struct open_objects *t, const struct object_id *id)
{
	struct stripe *s = stripe_of(t, id);
	struct object *o;

	pthread_mutex_lock(&s->stripe_mtx);
	o = stripe_find(s, id);
	if (o) {
		object_get(o);
		if (s->newest != o) {
			unlink_use(s, o);
			link_use(s, o);
		}
	}
	pthread_mutex_unlock(&s->stripe_mtx);
	return o;
}

/* The stripe's mutex is held. Takes out what is least in use, to be put outside of it. */
static unsigned stripe_trim(
	struct open_objects *t, struct stripe *s, struct object *out[TRIM_MAX])
{
	struct object *o = s->oldest, *newer;
	unsigned n = 0;

	for (; o && n < TRIM_MAX && (s->count > t->limit || s->bitmaps > BITMAPS_MAX);
		o = newer) {
		newer = o->newer;
		if (o == s->newest || atomic_load(&o->refs) != 1)
			continue;
		stripe_remove(s, o);
		out[n++] = o;
	}
	return n;
}

struct object *open_objects_add(struct open_objects *t, struct object *o)
{
	struct stripe *s = stripe_of(t, &o->id);
	struct object *surplus[TRIM_MAX], *other;
	unsigned n = 0;

	pthread_mutex_lock(&s->stripe_mtx);
	other = stripe_find(s, &o->id);
	if (other) {
		object_get(other);
	} else {
		object_get(o);
		o->listed = true;
		o->next = *stripe_bucket(s, &o->id);
		*stripe_bucket(s, &o->id) = o;
		link_use(s, o);
		s->count++;
		s->bitmaps += object_bitmap_bytes(o);
		n = stripe_trim(t, s, surplus);
	}
	pthread_mutex_unlock(&s->stripe_mtx);
	while (n)
		object_put(surplus[--n]);
	if (!other)
		return o;
	object_put(o);
	return other;
}

void open_objects_remove(struct open_objects *t, struct object *o)
{
	struct stripe *s = stripe_of(t, &o->id);
	bool listed;

	pthread_mutex_lock(&s->stripe_mtx);
	listed = o->listed;
	if (listed)
		stripe_remove(s, o);
	pthread_mutex_unlock(&s->stripe_mtx);
	if (listed)
		object_put(o);
}

void open_objects_forget(
	struct open_objects *t, const struct object_id *id, uint64_t instance)
{
	struct object *o = open_objects_find(t, id);

	if (!o)
		return;
	if (o->instance == instance) {
		atomic_store(&o->gone, true);
		open_objects_remove(t, o);
	}
	object_put(o);
}

bool open_objects_busy(struct open_objects *t, const struct object_id *id)
{
	struct stripe *s = stripe_of(t, id);
	struct object *o;
	bool busy;

	pthread_mutex_lock(&s->stripe_mtx);
	o = stripe_find(s, id);
	busy = o && (atomic_load(&o->refs) > 1 ||
			    clock_monotonic() - atomic_load(&o->touched) < BUSY_FOR);
	pthread_mutex_unlock(&s->stripe_mtx);
	return busy;
}

int64_t open_objects_last_use(struct open_objects *t)
{
	int64_t last = 0, touched;

	for (unsigned i = 0; i < STRIPES; i++) {
		struct stripe *s = &t->stripes[i];

		pthread_mutex_lock(&s->stripe_mtx);
		for (struct object *o = s->newest; o; o = o->older) {
			touched = atomic_load_explicit(&o->touched, memory_order_relaxed);
			if (touched > last)
				last = touched;
		}
		pthread_mutex_unlock(&s->stripe_mtx);
	}
	return last;
}

int open_objects_list(struct open_objects *t, struct object ***out, size_t *count)
{
	struct object **list = NULL, **more;
	size_t n = 0;
	int rc = 0;

	for (unsigned i = 0; i < STRIPES && !rc; i++) {
		struct stripe *s = &t->stripes[i];

		pthread_mutex_lock(&s->stripe_mtx);
		more = realloc(list, (n + s->count + 1) * sizeof(struct object *));
		if (more)
			list = more;
		else
			rc = ERR_NO_MEMORY;
		for (struct object *o = s->newest; more && o; o = o->older)
			list[n++] = object_get(o);
		pthread_mutex_unlock(&s->stripe_mtx);
	}
	*out = list;
	*count = n;
	return rc;
}

void open_objects_free(struct open_objects *t)
{
	if (!t)
		return;
	for (unsigned i = 0; i < STRIPES; i++) {
		struct stripe *s = &t->stripes[i];

		while (s->newest)
			open_objects_remove(t, s->newest);
		pthread_mutex_destroy(&s->stripe_mtx);
	}
	free(t);
}
