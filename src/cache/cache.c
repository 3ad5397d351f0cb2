/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "util/boot_id.h"
#include "cache/write/writer.h"
#include "cache/objects/open_objects.h"
#include "cache/meta/eviction.h"
#include "util/clock.h"

#define HANDLES_MAX 1024 /* and at most half of the files that the process may open */
#define TRIM_ROUNDS 1000
#define TRIM_AT_ONCE 256 /* objects */

static unsigned open_objects_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur / 2 > HANDLES_MAX)
		return HANDLES_MAX;
	return (unsigned)(limit.rlim_cur / 2);
}

struct opening {
	struct cache *cache;
	const struct cache_options *options;
	struct boot_record boot;
	bool newer,
		changed; /* out: the layout is not ours; the boot record is to be written */
};

static int check_layout(struct opening *o, MDB_txn *txn)
{
	struct layout_record layout;
	struct metadata *m = o->cache->metadata;
	int rc = setting_get(m, txn, SETTING_LAYOUT, &layout, sizeof(layout));

	if (rc == ERR_ABSENT) {
		layout = (struct layout_record){CACHE_LAYOUT, LAYOUT_ORDER};
		return setting_put(m, txn, SETTING_LAYOUT, &layout, sizeof(layout));
	}
	if (rc)
		return rc;
	if (layout.order != LAYOUT_ORDER)
		return ERR_CORRUPT;
	o->newer = layout.layout > CACHE_LAYOUT;
	if (o->newer)
		return ERR_UNSUPPORTED;
	return layout.layout == CACHE_LAYOUT ? 0 : ERR_CORRUPT;
}

/* Another boot, and not synced before: marks made so far are to be checked. */
static int check_boot(struct opening *o, MDB_txn *txn)
{
	struct boot_record *b = &o->boot;
	struct cache *c = o->cache;
	int rc = setting_get(c->metadata, txn, SETTING_BOOT, b, sizeof(*b));

	if (rc && rc != ERR_ABSENT && rc != ERR_CORRUPT)
		return rc;
	if (!rc && (b->clean || b->boot == c->boot)) {
		c->generation = b->generation;
		return 0;
	}
	/* Any number that was not used before. */
	c->generation = rc ? (uint64_t)clock_realtime() : b->generation + 1;
	*b = (struct boot_record){c->boot, c->generation, rc == ERR_ABSENT};
	return setting_put(c->metadata, txn, SETTING_BOOT, b, sizeof(*b));
}

static int set_limits(struct opening *o, MDB_txn *txn)
{
	struct limits_record limits = {o->options->quota, o->options->floor};

	if (!o->options->set_quota)
		return 0;
	return setting_put(
		o->cache->metadata, txn, SETTING_LIMITS, &limits, sizeof(limits));
}

static int settle_in(MDB_txn *txn, void *arg)
{
	struct opening *o = arg;
	int rc = check_layout(o, txn);

	if (!rc)
		rc = check_boot(o, txn);
	if (!rc)
		rc = set_limits(o, txn);
	return rc;
}

static int try_metadata(struct opening *o, const char *path, struct trouble *t)
{
	struct cache *c = o->cache;
	int rc = metadata_open(path, 0, c->log, &c->metadata, t);

	if (rc)
		return rc;
	rc = metadata_write(c->metadata, settle_in, o);
	if (!rc)
		return 0;
	metadata_close(c->metadata);
	c->metadata = NULL;
	if (o->newer)
		return trouble_set(t, rc,
			"the cache %s was made by a newer version of this program: use "
			"that, or "
			"another directory",
			c->directory.path);
	return trouble_set(
		t, rc, "cannot use the cache %s: %s", c->directory.path, error_text(rc));
}

static int set_aside(struct cache *c, struct trouble *t)
{
	if (!c->directory.alone)
		return trouble_set(t, ERR_CORRUPT,
			"the metadata of the cache %s is damaged: stop all who use it, "
			"then try "
			"again",
			c->directory.path);
	log_warning(c->log,
		"cache: the metadata in %s is damaged: moved to meta.damaged, and "
		"begun anew",
		c->directory.path);
	return directory_set_aside(&c->directory, t);
}

static int open_metadata(struct opening *o, struct trouble *t)
{
	struct cache *c = o->cache;
	char *path = NULL;
	int rc = directory_metadata(&c->directory, &path, t);

	if (rc)
		return rc;
	if (c->directory.alone && directory_is_damaged(&c->directory))
		rc = ERR_CORRUPT;
	else
		rc = try_metadata(o, path, t);
	if (rc == ERR_CORRUPT) {
		rc = set_aside(c, t);
		free(path);
		path = NULL;
		if (!rc)
			rc = directory_metadata(&c->directory, &path, t);
		if (!rc)
			rc = try_metadata(o, path, t);
		o->boot.clean = false; /* what lies in objects/ has no record now */
	}
	free(path);
	return rc;
}

struct trim {
	struct cache *cache;
	struct room room;
	bool again;
};

static int trim_once(MDB_txn *txn, void *arg)
{
	struct trim *t = arg;
	bool ended = true;
	int rc = room_begin(&t->room, t->cache, txn);

	if (!rc)
		rc = room_make(&t->room, 0);
	/* Not all at once, or never, as metadata alone is more: whatever can go, goes. */
	if (rc == ERR_NO_SPACE)
		rc = room_shrink(&t->room, 0, TRIM_AT_ONCE, &ended);
	t->again = !ended;
	return rc ? rc : room_end(&t->room);
}

/* A quota that was lowered holds from the start. */
static int trim(struct cache *c)
{
	struct trim t = {.cache = c};
	int rc = 0;

	for (unsigned i = 0; i < TRIM_ROUNDS && !rc; i++) {
		t.again = false;
		rc = metadata_write(c->metadata, trim_once, &t);
		if (!rc)
			room_settle(&t.room);
		if (!t.again)
			break;
	}
	room_release(&t.room);
	return rc;
}

static int start(struct opening *o, struct trouble *t)
{
	struct cache *c = o->cache;
	int rc = 0;

	c->open_objects = open_objects_new(open_objects_limit());
	if (!c->open_objects)
		return trouble_set(t, ERR_NO_MEMORY, "out of memory");
	rc = committer_new(c, &c->committer);
	if (rc)
		return trouble_set(
			t, rc, "cannot start the cache's thread: %s", error_text(rc));
	if (o->options->set_quota)
		rc = trim(c);
	if (rc)
		return trouble_set(t, rc, "cannot make the cache %s smaller: %s",
			c->directory.path, error_text(rc));
	if (c->directory.alone && !o->boot.clean)
		committer_ask_repair(c->committer);
	return 0;
}

int cache_open(const struct cache_options *options, struct cache **out, struct trouble *t)
{
	struct cache *c = calloc(1, sizeof(*c));
	struct opening o = {.cache = c, .options = options};
	int rc;

	if (!c)
		return trouble_set(t, ERR_NO_MEMORY, "out of memory");
	c->log = options->log;
	c->boot = boot_id_number();
	reservation_init(&c->reservation);
	rc = directory_open(&c->directory, options->directory, t);
	if (!rc)
		rc = open_metadata(&o, t);
	if (!rc)
		rc = start(&o, t);
	if (rc) {
		cache_close(c);
		return rc;
	}
	directory_settle(&c->directory);
	*out = c;
	return 0;
}

bool cache_is_stacked(const struct cache *c)
{
	return directory_is_stacked(&c->directory);
}

int cache_flush(struct cache *c)
{
	return committer_flush(c->committer);
}

static int give_up_lease(MDB_txn *txn, void *arg)
{
	struct cache *c = arg;

	return lease_delete(c->metadata, txn, c->directory.user);
}

static int set_clean(MDB_txn *txn, void *arg)
{
	struct cache *c = arg;
	struct boot_record boot = {c->boot, c->generation, 1};

	return setting_put(c->metadata, txn, SETTING_BOOT, &boot, sizeof(boot));
}

static bool is_clean(struct cache *c)
{
	struct boot_record boot;
	MDB_txn *txn;
	int rc = metadata_read(c->metadata, &txn);

	if (rc)
		return true; /* nothing can be said, so nothing is */
	rc = setting_get(c->metadata, txn, SETTING_BOOT, &boot, sizeof(boot));
	metadata_read_end(c->metadata, txn);
	return rc || boot.clean;
}

/* The last one to leave makes sure that all is on the disk, and says so. */
static void leave(struct cache *c)
{
	metadata_write(c->metadata, give_up_lease, c);
	if (!directory_last(&c->directory) || is_clean(c))
		return;
	directory_sync(&c->directory);
	if (!metadata_sync(c->metadata) && !metadata_write(c->metadata, set_clean, c))
		metadata_sync(c->metadata);
}

void cache_close(struct cache *c)
{
	if (!c)
		return;
	committer_free(c->committer);
	open_objects_free(c->open_objects);
	if (c->metadata) {
		if (c->committer)
			leave(c);
		metadata_close(c->metadata);
	}
	directory_close(&c->directory);
	reservation_release(&c->reservation);
	free(c);
}
