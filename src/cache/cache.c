/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "cache/cache.h"
#include "cache/meta/compaction.h"
#include "cache/meta/free_pages.h"
#include "cache/meta/settings.h"
#include "cache/meta/space.h"
#include "cache/meta/structure_stamp.h"
#include "cache/objects/last_books.h"
#include "cache/objects/limits_file.h"
#include "cache/objects/medium.h"
#include "cache/objects/meta_directory.h"
#include "cache/state.h"
#include "cache/write/leftovers.h"
#include "cache/write/trim.h"

#define OPEN_OBJECTS_MAX                                                                   \
	1024 /* and at most half of the files that the process may open                    \
	      */
/* For others who are in the way, at each step: */
#define OPEN_WAIT_LEAST (5 * NS_PER_SECOND)
#define OPEN_WAIT_MOST (30 * NS_PER_SECOND)

static unsigned open_objects_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur / 2 > OPEN_OBJECTS_MAX)
		return OPEN_OBJECTS_MAX;
	return (unsigned)(limit.rlim_cur / 2);
}

struct opening {
	struct cache *cache;
	const struct cache_options *options;
	struct settings settings;
	bool anew; /* the metadata was set aside */
};

/* Of one step: what is to be done in the others may take its time. */
static int64_t opening_deadline(const struct opening *o)
{
	int64_t wait = o->options->wait_ns;

	if (wait <= 0 || wait > OPEN_WAIT_MOST)
		wait = OPEN_WAIT_MOST;
	return clock_monotonic() + (wait < OPEN_WAIT_LEAST ? OPEN_WAIT_LEAST : wait);
}

static int try_metadata(struct opening *o, const char *path, struct trouble *t)
{
	struct cache *c = o->cache;
	char blame[FILE_LOCK_BLAME_SIZE];
	int rc = metadata_open(path, 0, opening_deadline(o), c->log, &c->metadata, t);

	if (rc)
		return rc;
	o->settings.alone = c->directory.alone;
	o->settings.epoch.boot = directory_boot(&c->directory);
	o->settings.others = c->directory.alone &&
			     last_books_are_others(&c->directory, c->metadata);
	rc = settings_enter(c->metadata, opening_deadline(o), &o->settings);
	if (!rc && c->directory.alone)
		last_books_note(&c->directory, c->metadata);
	if (!rc && o->settings.others && !o->anew)
		log_notice(c->log,
			"cache: the metadata in %s is not that of the files there, or "
			"older "
			"than they are: they are hashed before their first use, and those "
			"that it does not know removed",
			c->directory.path);
	if (!rc && o->settings.older)
		log_warning(c->log,
			"cache: %s was made by an older version of this program: emptied, "
			"what is needed is fetched again, what was pinned is to be pinned "
			"again",
			c->directory.path);
	if (!rc)
		return 0;
	metadata_blame(c->metadata, blame);
	metadata_close(c->metadata);
	c->metadata = NULL;
	if (rc == ERR_UNSUPPORTED && o->settings.newer)
		return trouble_set(t, rc,
			"the cache %s was made by a newer version of this program: use "
			"that, or "
			"another directory",
			c->directory.path);
	if (rc == ERR_BUSY && o->settings.older)
		return trouble_set(t, rc,
			"the cache %s is in use by an older version of this program: stop "
			"that, or use another directory",
			c->directory.path);
	return trouble_set(t, rc, "cannot use the cache %s: %s%s", c->directory.path,
		rc == ERR_TIMEOUT ? "it is held by " : error_text(rc),
		rc == ERR_TIMEOUT    ? blame
		: rc == ERR_NO_SPACE ? "; make room there, or put it elsewhere with --cache"
				     : "");
}

/* Who is alone makes the file smaller when most of it is free. When he cannot, it works as
 * it is; damage that is met then has left its mark. */
static int compact(struct cache *c, const char *path, const struct structure *found)
{
	int rc = 0;

	if (compaction_is_due(found)) {
		last_books_forget(&c->directory);
		rc = compaction_run(path);
	}
	if (rc)
		log_info(c->log, "cache: the metadata in %s cannot be written anew: %s",
			c->directory.path, error_text(rc));
	return meta_directory_is_damaged(&c->directory) ? ERR_CORRUPT : 0;
}

/* LMDB believes what lies there: who comes alone has time to look, when nobody has. */
static int check_metadata(struct cache *c, const char *path, struct trouble *t)
{
	uint64_t boot = directory_boot(&c->directory);
	int64_t now = clock_realtime() / NS_PER_SECOND;
	struct structure found;
	int rc;

	if (meta_directory_is_damaged(&c->directory))
		return ERR_CORRUPT;
	rc = meta_directory_look(&c->directory, t);
	if (rc)
		return rc;
	if (!c->directory.alone || structure_stamp_holds(path, boot, now))
		return 0;
	rc = structure_check(path, &found);
	if (rc == ERR_UNSUPPORTED)
		return 0;
	if (rc)
		return rc == ERR_CORRUPT
			       ? rc
			       : trouble_set(t, rc,
					 "cannot read the cache's metadata %s: %s", path,
					 error_text(rc));
	structure_stamp_begin(path, boot, now);
	return compact(c, path, &found);
}

/* Whoever has it open opens the new one when he sees the mark. What is of another version
 * has no mark, and its users would not look for one. */
static int set_aside(struct cache *c, struct trouble *t)
{
	if (!c->directory.alone && !meta_directory_is_damaged(&c->directory))
		return trouble_set(t, ERR_CORRUPT,
			"the metadata of the cache %s is damaged: stop all who use it, "
			"then try "
			"again",
			c->directory.path);
	log_warning(c->log,
		"cache: the metadata in %s is damaged: moved to meta.damaged, and "
		"begun anew",
		c->directory.path);
	return meta_directory_set_aside(&c->directory, t);
}

/* What was set in the old one, unless it is set now. */
static void recall_limits(struct opening *o)
{
	struct limits_record limits;
	struct settings *s = &o->settings;

	if (limits_file_read(&o->cache->directory, &limits))
		return;
	if (!s->set_quota)
		s->quota = limits.quota;
	if (!s->set_floor)
		s->floor = limits.floor;
	s->set_quota = s->set_floor = true;
}

static int cache_begin_anew(struct opening *o, struct trouble *t)
{
	char *path = NULL;
	int rc = set_aside(o->cache, t);

	recall_limits(o);
	if (!rc)
		rc = meta_directory_open(&o->cache->directory, &path, t);
	o->anew = true;
	if (!rc)
		rc = try_metadata(o, path, t);
	free(path);
	o->settings.clean = false; /* what lies in objects/ has no record now */
	return rc;
}

/* As the books have them, for new ones: damage may come before the writer has looked at
 * them, or while nobody has the cache open. */
static void note_limits(struct cache *c)
{
	struct limits_record *limits = &c->write.limits;
	MDB_txn *txn;
	int rc;

	if (metadata_read(c->metadata, &txn))
		return;
	c->write.has_limits = setting_get(c->metadata, txn, SETTING_LIMITS, limits,
				      sizeof *limits) == 0;
	metadata_read_end(c->metadata, txn);
	rc = c->write.has_limits ? limits_file_write(&c->directory, limits) : 0;
	if (rc)
		log_info(c->log, "cache: cannot write %s/limits: %s", c->directory.path,
			error_text(rc));
}

static int open_metadata(struct opening *o, struct trouble *t)
{
	struct cache *c = o->cache;
	char *path = NULL;
	int rc = meta_directory_hold(&c->directory, opening_deadline(o), t);

	if (rc)
		return rc;
	rc = meta_directory_open(&c->directory, &path, t);
	if (rc)
		goto out;
	rc = check_metadata(c, path, t);
	if (!rc)
		rc = try_metadata(o, path, t);
	if (rc == ERR_CORRUPT)
		rc = cache_begin_anew(o, t);
	if (!rc)
		note_limits(c);
out:
	meta_directory_release(&c->directory);
	free(path);
	return rc;
}

static void give_parts(struct cache *c, const struct settings *s)
{
	c->write.log = c->log;
	c->write.directory = &c->directory;
	c->write.metadata = c->metadata;
	c->write.verified = c->verified;
	c->write.open_objects = c->open_objects;
	c->write.queue = c->queue;
	c->write.boot = s->epoch.boot;
	atomic_init(&c->write.generation, s->epoch.generation);
}

#define HASHED_TERM (12 * 3600) /* seconds */

/* What this process hashes, it need not hash again when it opens the object again. */
static int make_hashed(struct cache *c, enum cache_verify_when verify)
{
	bool local = medium_is_local(c->directory.fd);

	if (verify == CACHE_VERIFY_EPOCH || (verify == CACHE_VERIFY_AUTO && local))
		return 0;
	if (!local)
		log_info(c->log,
			"cache: %s is on no local disk: what is there is hashed before its "
			"first use",
			c->directory.path);
	c->hashed = verified_pages_new();
	if (!c->hashed)
		return ERR_NO_MEMORY;
	verified_pages_set_term(c->hashed, HASHED_TERM);
	return 0;
}

static int cache_make_parts(struct cache *c)
{
	c->verified = verified_pages_new();
	c->open_objects = open_objects_new(open_objects_limit());
	if (!c->verified || !c->open_objects)
		return ERR_NO_MEMORY;
	return write_queue_new(&c->queue);
}

static int cache_start(struct opening *o, struct trouble *t)
{
	struct cache *c = o->cache;
	int rc = cache_make_parts(c);

	if (!rc)
		rc = make_hashed(c, o->options->verify);
	if (rc)
		return trouble_set(t, rc, "out of memory");
	give_parts(c, &o->settings);
	rc = writer_new(&c->write, &c->writer);
	if (rc)
		return trouble_set(
			t, rc, "cannot start the cache's thread: %s", error_text(rc));
	rc = flusher_new(&c->write, &c->flusher);
	if (rc)
		return trouble_set(
			t, rc, "cannot start the cache's thread: %s", error_text(rc));
	c->evicted_watch = evicted_watch_new(&c->write);
	if (c->directory.alone)
		leftovers_finish(&c->write, LEFTOVERS_ALL);
	rc = trim_to_limits(&c->write, o->options->set_quota, o->options->set_floor);
	if (rc)
		return trouble_set(t, rc, "cannot make the cache %s smaller: %s",
			c->directory.path, error_text(rc));
	if ((c->directory.alone || o->anew) && !o->settings.clean)
		write_queue_ask_repair(c->queue);
	return 0;
}

int cache_open(const struct cache_options *options, struct cache **out, struct trouble *t)
{
	struct cache *c = calloc(1, sizeof *c);
	struct opening o = {.cache = c,
		.options = options,
		.settings = {.set_quota = options->set_quota,
			.set_floor = options->set_floor,
			.quota = options->quota,
			.floor = options->floor}};
	int rc;

	if (!c)
		return trouble_set(t, ERR_NO_MEMORY, "out of memory");
	c->log = options->log;
	bad_places_init(&c->bad_places);
	rc = directory_open(&c->directory, options->directory, opening_deadline(&o), t);
	if (!rc)
		rc = open_metadata(&o, t);
	if (!rc)
		rc = cache_start(&o, t);
	if (!rc)
		rc = directory_admit(&c->directory, opening_deadline(&o), t);
	if (rc)
		cache_close(c);
	else
		*out = c;
	return rc;
}

bool cache_is_stacked(const struct cache *c)
{
	return medium_is_stacked(c->directory.objects_fd);
}

int cache_flush(struct cache *c)
{
	return write_queue_flush(c->queue);
}

int cache_sync(struct cache *c)
{
	int rc = cache_flush(c), error = flusher_sync(c->flusher);

	return rc ? rc : error;
}

uint64_t cache_losses(struct cache *c)
{
	struct totals_record totals = {0};
	bool rot = false;
	MDB_txn *txn;

	if (!metadata_read(c->metadata, &txn)) {
		(void)totals_load(c->metadata, txn, &totals, &rot);
		metadata_read_end(c->metadata, txn);
	}
	return totals.changes + write_queue_losses(c->queue);
}

/* What this process wrote was flushed before, file by file; the last one to leave makes
 * sure of all the rest, and says so; or that it is not. */
static void cache_leave(struct cache *c)
{
	struct trust_epoch epoch = write_context_epoch(&c->write);
	int64_t deadline = write_context_deadline(&c->write);
	int rc;

	leftovers_finish(&c->write, LEFTOVERS_OWN);
	space_give_up_lease(c->metadata, deadline, c->directory.user);
	/* It could not be written: nothing is believed. */
	if (c->write.epoch_is_owed)
		metadata_damaged(c->metadata);
	if (c->write.flush_failed || !directory_is_last(&c->directory) ||
		trust_epoch_is_clean(c->metadata))
		return;
	rc = directory_sync(&c->directory);
	if (rc) {
		log_warning(c->log,
			"cache: %s cannot be flushed to the disk: %s: all of it is hashed "
			"before it is used again",
			c->directory.path, error_text(rc));
		/* When not even that can be written, nothing is believed. */
		if (trust_epoch_failed(c->metadata, deadline, &epoch))
			metadata_damaged(c->metadata);
	} else if (!metadata_sync(c->metadata) &&
		   !trust_epoch_flushed(c->metadata, deadline, &epoch)) {
		metadata_sync(c->metadata);
	}
}

/* Whole, as far as anybody has seen, and not to be written anew. */
static bool metadata_is_whole(struct cache *c)
{
	const struct structure s = {
		metadata_bytes(c->metadata), free_pages_bytes(c->metadata)};

	return metadata_look(c->metadata) == METADATA_SOUND && s.bytes &&
	       !compaction_is_due(&s);
}

static void close_metadata(struct cache *c)
{
	bool whole = metadata_is_whole(c);
	char *path;

	metadata_close(c->metadata);
	if (!c->writer || !whole || !directory_is_last(&c->directory) ||
		asprintf(&path, "%s/meta", c->directory.path) < 0)
		return;
	structure_stamp_end(
		path, directory_boot(&c->directory), clock_realtime() / NS_PER_SECOND);
	free(path);
}

void cache_close(struct cache *c)
{
	if (!c)
		return;
	write_context_end(&c->write);
	flusher_free(c->flusher);
	writer_free(c->writer);
	evicted_watch_free(c->evicted_watch);
	open_objects_free(c->open_objects);
	if (c->metadata) {
		if (c->writer)
			cache_leave(c);
		close_metadata(c);
	}
	write_queue_free(c->queue);
	verified_pages_free(c->verified);
	verified_pages_free(c->hashed);
	directory_close(&c->directory);
	bad_places_release(&c->bad_places);
	free(c);
}
