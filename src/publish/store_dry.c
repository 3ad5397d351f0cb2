/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "publish/store_dry.h"
#include "publish/tally.h"

struct store_dry {
	struct store base;   /* first */
	struct store *below; /* or NULL */
	struct tally *put;
};

static struct store_dry *dry_of(struct store *s)
{
	return (struct store_dry *)s;
}

static void dry_close(struct store *s)
{
	struct store_dry *d = dry_of(s);

	store_close(d->below);
	tally_free(d->put);
	free(d->base.name);
	free(d);
}

static int dry_read(struct store *s, const char *path, size_t max, uint64_t *asked,
	struct bytes *out, struct store_version *version, struct trouble *t)
{
	struct store *below = dry_of(s)->below;

	return below ? below->methods->read(below, path, max, asked, out, version, t)
		     : ERR_ABSENT;
}

static int dry_find_blob(
	struct store *s, const struct digest *name, struct stored *out, struct trouble *t)
{
	struct store *below = dry_of(s)->below;

	return below ? store_find_blob(below, name, out, t) : ERR_ABSENT;
}

static int dry_put_blob(
	struct store *s, const struct digest *name, struct span stored, struct trouble *t)
{
	(void)t;
	return tally_add(dry_of(s)->put, name, stored.size);
}

static int dry_put(struct store *s, const char *path, struct span text,
	const struct store_version *seen, struct trouble *t)
{
	(void)s;
	(void)path;
	(void)text;
	(void)seen;
	(void)t;
	return 0;
}

static int dry_remove(struct store *s, const char *path, struct trouble *t)
{
	(void)s;
	(void)path;
	(void)t;
	return 0;
}

static int dry_list(
	struct store *s, const char *prefix, struct store_listing **out, struct trouble *t)
{
	struct store *below = dry_of(s)->below;

	return below ? store_list(below, prefix, out, t) : ERR_UNSUPPORTED;
}

static int dry_settle(struct store *s, struct trouble *t)
{
	(void)s;
	(void)t;
	return 0;
}

/* What a publisher that was cut off has left is for the next one that is none of these. */
static int dry_unsynced_since(struct store *s, int64_t *out)
{
	(void)s;
	(void)out;
	return ERR_ABSENT;
}

static void dry_discard(struct store *s)
{
	(void)s;
}

static const struct store_methods dry_methods = {
	.close = dry_close,
	.read = dry_read,
	.find_blob = dry_find_blob,
	.put_blob = dry_put_blob,
	.put = dry_put,
	.remove = dry_remove,
	.list = dry_list,
	.sync = dry_settle,
	.unsynced_since = dry_unsynced_since,
	.settle = dry_settle,
	.check_readable = dry_settle,
	.discard = dry_discard,
};

struct store *store_dry_new(struct store *below, const char *name)
{
	struct store_dry *d = calloc(1, sizeof *d);

	if (!d)
		return NULL;
	d->base.methods = &dry_methods;
	d->base.name = strdup(below ? store_name(below) : name);
	d->base.st = below ? below->st : NULL;
	d->put = tally_new();
	if (!d->base.name || !d->put) {
		dry_close(&d->base);
		return NULL;
	}
	d->below = below;
	return &d->base;
}

void store_dry_count(struct store *s, uint64_t *blobs, uint64_t *bytes)
{
	struct store_dry *d = dry_of(s);

	*blobs = tally_count(d->put);
	*bytes = tally_bytes(d->put);
}
