/* SPDX-License-Identifier: MIT */
/*
 * A store in front of another that fails from its n-th writing call on, as if its process
 * had been killed there: for tests that try every such place.
 */
#ifndef CAIRN_TESTS_FAULTY_STORE_H
#define CAIRN_TESTS_FAULTY_STORE_H

#include <stdatomic.h>
#include <stdlib.h>

#include "publish/store.h"

struct faulty_store {
	struct store base; /* first */
	struct store *inner;
	struct store_methods methods;
	atomic_uint left; /* writing calls that succeed yet */
	atomic_uint calls;
};

static inline struct store *faulty_inner(struct store *s)
{
	return ((struct faulty_store *)s)->inner;
}

static inline bool faulty_now(struct store *s)
{
	struct faulty_store *f = (struct faulty_store *)s;
	unsigned left = atomic_load(&f->left);

	atomic_fetch_add(&f->calls, 1);
	while (left > 0 && !atomic_compare_exchange_weak(&f->left, &left, left - 1))
		;
	return left == 0;
}

static inline int faulty_read(struct store *s, const char *path, size_t max,
	uint64_t *asked, struct bytes *out, struct store_version *version,
	struct trouble *t)
{
	struct store *inner = faulty_inner(s);

	return inner->methods->read(inner, path, max, asked, out, version, t);
}

static inline int faulty_find_blob(
	struct store *s, const struct digest *name, struct stored *out, struct trouble *t)
{
	return store_find_blob(faulty_inner(s), name, out, t);
}

static inline int faulty_put_blob(
	struct store *s, const struct digest *name, struct span stored, struct trouble *t)
{
	return faulty_now(s) ? trouble_set(t, ERR_IO, "killed")
			     : store_write_blob(faulty_inner(s), name, stored, t);
}

static inline int faulty_put(struct store *s, const char *path, struct span text,
	const struct store_version *seen, struct trouble *t)
{
	struct store *inner = faulty_inner(s);

	return faulty_now(s) ? trouble_set(t, ERR_IO, "killed")
			     : inner->methods->put(inner, path, text, seen, t);
}

static inline int faulty_remove(struct store *s, const char *path, struct trouble *t)
{
	struct store *inner = faulty_inner(s);

	return faulty_now(s) ? trouble_set(t, ERR_IO, "killed")
			     : inner->methods->remove(inner, path, t);
}

static inline int faulty_list(
	struct store *s, const char *prefix, struct store_listing **out, struct trouble *t)
{
	return store_list(faulty_inner(s), prefix, out, t);
}

static inline int faulty_sync(struct store *s, struct trouble *t)
{
	return faulty_now(s) ? trouble_set(t, ERR_IO, "killed")
			     : store_sync(faulty_inner(s), t);
}

/* `inner` stays the caller's. */
static inline void faulty_store_init(
	struct faulty_store *f, struct store *inner, unsigned writes)
{
	*f = (struct faulty_store){.inner = inner,
		.methods = {.read = faulty_read,
			.find_blob = faulty_find_blob,
			.put_blob = faulty_put_blob,
			.put = faulty_put,
			.remove = faulty_remove,
			.list = faulty_list,
			.sync = faulty_sync}};
	f->base.methods = &f->methods;
	f->base.name = inner->name;
	atomic_init(&f->left, writes);
	atomic_init(&f->calls, 0);
}

#endif
