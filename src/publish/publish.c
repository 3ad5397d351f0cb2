/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/json_byte_string.h"
#include "format/names.h"
#include "format/tag.h"
#include "publish/attributes.h"
#include "publish/item.h"
#include "publish/memory_plan.h"
#include "publish/pipeline.h"
#include "publish/profile_blob.h"
#include "publish/publish.h"
#include "publish/revision.h"
#include "publish/store_dry.h"
#include "publish/store_open.h"
#include "publish/store_recovery.h"
#include "util/clock.h"
#include "util/memory_limit.h"

#define LEVEL_DEFAULT 3
#define LEVEL_MAX 19 /* beyond, zstd takes more memory than SCRATCH_SIZE says */

/* All that one publish() holds, in the order in which it is got. */
struct run {
	const struct publish_options *o;
	struct trouble *t;
	struct store *store;
	struct revision revision;
	char *source; /* absolute */
	int root;
	struct index *index;
	struct stat index_st; /* of its directory: it changes while it is published */
	struct hardlinks *hardlinks;
	struct unreadable own, *unreadable; /* the caller's, or our own */
	struct comparison *comparison;	    /* when nothing is to be written */
	struct publish_progress progress;
	int64_t reported; /* CLOCK_MONOTONIC ns */
	struct memory_plan plan;
	struct store_recovery recovery;
	bool recovered; /* nothing that was there before is in doubt */
	struct publication publication;
	struct pipeline *pipeline;
	struct profile_blob profile;
	int64_t started;
	struct publish_result result;
};

static int open_source(struct run *r)
{
	const char *source = r->o->source;

	r->root = open(source, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->root < 0 && errno == ENOTDIR)
		return trouble_set(r->t, ERR_INVALID,
			"%s is not a directory: a dataset is made from a directory",
			source);
	if (r->root < 0)
		return trouble_errno(r->t, "cannot open the source %s", source);
	if (attributes_available(r->t))
		return ERR_UNSUPPORTED;
	r->source = realpath(source, NULL);
	if (!r->source)
		return trouble_errno(r->t, "cannot find the source %s", source);
	return 0;
}

/* Publishing the store into itself would not end well. */
static int check_not_inside(struct run *r)
{
	const struct stat *store = r->store->st;
	char path[PATH_SIZE_MAX + 1];
	size_t size;

	assert(r->source);
	size = strlen(r->source);
	if (size > PATH_SIZE_MAX)
		return trouble_set(r->t, ERR_LIMIT, "the source's path is too long");
	memcpy(path, r->source, size + 1);
	while (store && size > 0) {
		struct stat st;

		if (stat(path, &st) == 0 && st.st_dev == store->st_dev &&
			st.st_ino == store->st_ino)
			return trouble_set(r->t, ERR_INVALID,
				"the source %s lies inside the store %s: name another "
				"store",
				r->source, r->o->store);
		while (size > 0 && path[--size] != '/')
			;
		path[size] = '\0';
	}
	return 0;
}

static int open_real_store(struct run *r)
{
	const struct store_open_options opening = {
		.access = STORE_MAKE, .remote.log = r->o->log};

	return store_open(r->o->store, &opening, &r->store, r->t);
}

/* One that is not there need not be made to say what would be in it. */
static int open_dry_store(struct run *r)
{
	const struct store_open_options opening = {
		.access = STORE_READ, .remote.log = r->o->log};
	struct store *below = NULL;
	int rc = store_open(r->o->store, &opening, &below, r->t);

	if (rc && rc != ERR_ABSENT)
		return rc;
	r->t->code = 0;
	r->store = store_dry_new(below, r->o->store);
	if (r->store)
		return 0;
	store_close(below);
	return ERR_NO_MEMORY;
}

static int open_store(struct run *r, const struct revision_options *options)
{
	int rc = r->o->dry_run ? open_dry_store(r) : open_real_store(r);

	if (!rc)
		rc = check_not_inside(r);
	return rc ? rc : revision_init(&r->revision, options, r->store, r->t);
}

/* Without an index everything is read: slower, not wrong. */
static int open_index(struct run *r)
{
	struct trouble why = {0};
	char *store;

	if (!r->o->index_dir)
		return 0;
	store = realpath(store_name(r->store), NULL);
	if (!store && r->o->dry_run)
		return 0;
	if (!store)
		return trouble_errno(
			r->t, "cannot find the store %s", store_name(r->store));
	if (index_open(r->o->index_dir, store, r->source, r->o->log, &r->index, &why)) {
		r->index = NULL;
		log_warning(r->o->log, "%s; all files are read", why.text);
	} else if (stat(r->o->index_dir, &r->index_st) != 0) {
		r->index_st = (struct stat){0};
	}
	free(store);
	return 0;
}

/* About the bytes that will be read: the holes of a sparse file are not. */
static uint64_t data_bytes(const struct stat *st)
{
	uint64_t size = (uint64_t)st->st_size, blocks = (uint64_t)st->st_blocks * 512;

	return blocks < size ? blocks : size;
}

static void report_counting(struct run *r)
{
	int64_t now;

	if (!r->o->progress)
		return;
	now = clock_monotonic();
	if (now - r->reported < PUBLISH_REPORT_EVERY)
		return;
	r->reported = now;
	r->progress.counting = true;
	r->o->progress(r->o->ctx, &r->progress);
	r->progress.counting = false;
}

static int count_entry(void *ctx, const struct walk_entry *e, struct trouble *t)
{
	struct run *r = ctx;

	(void)t;
	r->progress.entries_total++;
	report_counting(r);
	if (S_ISDIR(e->st.st_mode))
		return 0;
	if (e->st.st_nlink > 1) {
		uint32_t names;
		int rc = hardlinks_count(r->hardlinks, e->st.st_dev, e->st.st_ino, &names);

		if (rc)
			return rc;
		if (names > 1)
			return 0; /* its bytes were counted with the first name */
	}
	if (S_ISREG(e->st.st_mode))
		r->progress.bytes_total += data_bytes(&e->st);
	return 0;
}

/* What cannot be read is told of when it is published, not when it is counted. */
static int count_left_out(void *ctx, const char *path, int rc, const char *why)
{
	(void)ctx;
	(void)path;
	(void)rc;
	(void)why;
	return 0;
}

static int walk_source(struct run *r, bool links, walk_fn each, void *ctx)
{
	struct walk_options options = {
		.root = r->root,
		.source = r->source,
		.ignore = r->o->ignore,
		.one_file_system = r->o->one_file_system,
		.links = links,
		.store = r->store->st,
		.closed = r->index ? &r->index_st : NULL,
		.leave_out = links ? pipeline_leave_out : count_left_out,
	};

	return walk(&options, each, ctx, r->t);
}

static int plan_memory(struct run *r)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned jobs = r->o->jobs;

	if (jobs == 0)
		jobs = processors > 0 ? (unsigned)processors : 1;
	r->plan = memory_plan_of(jobs, r->o->memory, memory_limit(MEMORY_LIMIT_PROC));
	r->hardlinks = hardlinks_new(
		r->o->temporary ? r->o->temporary : "/tmp", r->plan.hardlinks);
	return r->hardlinks ? 0 : ERR_NO_MEMORY;
}

static int start_publication(struct run *r)
{
	const struct manifest *previous = r->revision.previous;
	struct publication *p = &r->publication;
	int rc;

	p->root = r->root;
	p->source = r->source;
	p->overrides = r->o->overrides;
	rc = publication_init(p, r->plan.buffers);
	if (rc)
		return rc;
	p->scratches = scratches_new(r->store, previous ? &previous->root : NULL);
	/* One more for the tool's thread, which may write a page. */
	p->blobs = blobs_new(r->store, r->o->level ? r->o->level : LEVEL_DEFAULT,
		r->plan.jobs + 1, r->o->verify);
	if (!p->scratches || !p->blobs)
		return ERR_NO_MEMORY;
	if (!r->o->dry_run) /* which puts nothing */
		rc = blobs_heed_lists(p->blobs, r->t);
	if (rc)
		return rc;
	return workers_new("publish", r->plan.jobs, &p->workers);
}

static int start_pipeline(struct run *r)
{
	struct pipeline_options options = {
		.publication = &r->publication,
		.hardlinks = r->hardlinks,
		.unreadable = r->unreadable,
		.comparison = r->comparison,
		.index = r->index,
		.memory = r->plan.items,
		.progress = r->progress,
		.report = r->o->progress,
		.ctx = r->o->ctx,
	};

	return pipeline_new(&options, &r->pipeline);
}

/* Runs what is still queued: page blobs, or after a failure nothing worth a while. */
static void join_workers(struct run *r)
{
	if (r->publication.workers)
		workers_free(r->publication.workers);
	r->publication.workers = NULL;
}

static void say_profile(const struct run *r, const struct profile_told *told)
{
	struct log *log = r->o->log;

	if (told->absent)
		log_warning(log,
			"%zu of the profile's %zu files are not in %s and are left out%s",
			told->absent, profile_files(r->o->profile), r->o->source,
			r->profile.size ? "" : ": no profile is stored");
	if (told->left)
		log_warning(log, "the profile is too long: its last %zu reads are left out",
			told->left);
}

/* Once all pages are in the store. */
static int publish_profile(struct run *r, const struct digest *root)
{
	struct profile_told told;
	int rc;

	if (r->o->no_profile)
		return 0;
	if (r->o->profile) {
		rc = profile_blob_put(&r->publication, r->store, root, r->o->profile,
			&r->profile, &told, r->t);
		if (!rc)
			say_profile(r, &told);
		return rc;
	}
	rc = profile_blob_keep(&r->publication, r->revision.previous, &r->profile);
	if (rc != ERR_ABSENT && rc != ERR_CORRUPT)
		return rc;
	log_warning(r->o->log, "the profile of the last revision is not in %s any more",
		r->o->store);
	return 0;
}

/* Everything that is in the store before a manifest names it. */
static int publish_content(struct run *r, struct pipeline_result *out)
{
	int rc = walk_source(r, true, pipeline_add, r->pipeline);

	if (!rc)
		rc = pipeline_finish(r->pipeline, out, r->t);
	if (rc) /* so that the workers leave what is queued */
		publication_fail(&r->publication, rc, r->t);
	join_workers(r);
	if (!rc)
		rc = publication_failure(&r->publication, r->t);
	if (!rc && r->unreadable->count > 0 && !r->o->skip_unreadable)
		rc = unreadable_fail(r->unreadable, r->source, r->t);
	if (!rc && !r->o->dry_run)
		rc = publish_profile(r, &out->root);
	if (!rc)
		rc = store_sync(r->store, r->t);
	return rc ? rc : blobs_secure(r->publication.blobs, r->t);
}

/* The manifest and the tag, of what is in the store by now. */
static int publish_revision(struct run *r, const struct pipeline_result *made)
{
	struct blob_totals blobs = blobs_totals(r->publication.blobs);
	struct publish_result *result = &r->result;
	struct revision_result written;
	struct revision_content content = {.root = made->root,
		.first = made->first,
		.totals = made->totals,
		.profile = r->profile.digest,
		.profile_size = r->profile.size,
		.delta = blobs.delta,
		.extent_lists = made->extent_lists};
	int rc;

	content.totals.stored = blobs.stored;
	rc = revision_write(&r->revision, &content, &written, r->t);
	if (rc)
		return rc;
	result->revision = written.number;
	result->unchanged = written.unchanged;
	result->root = content.root;
	result->totals = content.totals;
	result->new_blobs = blobs.new_blobs;
	result->new_bytes = blobs.new_bytes;
	result->delta_blobs = blobs.delta_blobs;
	result->damaged_blobs = blobs.damaged_blobs;
	result->read_bytes = atomic_load(&r->publication.read_bytes);
	result->vanished = made->vanished;
	return 0;
}

static void report_recovery(void *ctx)
{
	struct run *r = ctx;
	struct publish_progress p = {.recovering = true, .entries = r->recovery.looked_at};

	if (r->o->progress)
		r->o->progress(r->o->ctx, &p);
}

/* Before any blob that is there is relied on. */
static int recover_store(struct run *r)
{
	int rc;

	r->recovery = (struct store_recovery){.store = r->store,
		.jobs = r->plan.jobs,
		.progress = report_recovery,
		.ctx = r};
	rc = store_recover(&r->recovery, r->t);
	r->recovered = rc == 0;
	if (!rc && r->recovery.removed)
		log_warning(r->o->log,
			"a publish before this one was cut off: of %llu blobs that it "
			"left, "
			"%llu were damaged and are removed",
			(unsigned long long)r->recovery.looked_at,
			(unsigned long long)r->recovery.removed);
	return rc;
}

/* It is published; a mark that stays costs the next one a look. */
static void settle_store(const struct run *r)
{
	struct trouble why = {0};

	if (store_settle(r->store, &why))
		log_warning(r->o->log, "%s", why.text);
}

/* What the user should know of the store, once all is in it. */
static void warn_of_store(const struct run *r)
{
	struct trouble why = {0};

	if (r->result.damaged_blobs)
		log_warning(r->o->log,
			"%llu blobs in the store %s were damaged and have been written "
			"anew: cairn check tells whether others are",
			(unsigned long long)r->result.damaged_blobs, r->o->store);
	if (store_check_readable(r->store, &why))
		log_warning(r->o->log, "%s", why.text);
}

static int start_comparison(struct run *r)
{
	const struct manifest *previous = r->revision.previous;

	if (!r->o->dry_run || !r->o->change)
		return 0;
	r->comparison = comparison_new(r->store, previous ? &previous->root : NULL,
		r->o->change, r->o->change_ctx);
	return r->comparison ? 0 : ERR_NO_MEMORY;
}

/* What the revision would be. A profile that was given counts as another one. */
static void tell_revision(struct run *r, const struct pipeline_result *made)
{
	const struct manifest *previous = r->revision.previous;
	struct publish_result *result = &r->result;
	struct revision_content content = {.root = made->root};

	if (previous && !r->o->profile && !r->o->no_profile) {
		content.profile = previous->profile;
		content.profile_size = previous->profile_size;
	}
	result->unchanged = !r->o->profile && revision_is_unchanged(&r->revision, &content);
	result->revision = (previous ? previous->revision : 0) + !result->unchanged;
	result->root = made->root;
	result->totals = made->totals;
	result->totals.stored = blobs_totals(r->publication.blobs).stored;
	store_dry_count(r->store, &result->new_blobs, &result->new_bytes);
	result->read_bytes = atomic_load(&r->publication.read_bytes);
	result->vanished = made->vanished;
}

/* All that is read from and written to, up to the first entry. */
static int open_all(struct run *r)
{
	const struct publish_options *o = r->o;
	struct revision_options options = {
		.store = o->store,
		.name = o->name,
		.message = o->message,
		.tags = o->tags,
		.tag_count = o->tag_count,
		.mirrors = o->mirrors,
		.mirror_count = o->mirror_count,
		.expires = o->expires,
		.has_created = o->has_created,
		.created = o->created,
		.key = o->key,
		.new_key = o->new_key,
	};
	int rc;

	if (o->level < 0 || o->level > LEVEL_MAX)
		return trouble_set(
			r->t, ERR_INVALID, "the level has to be 1 to %d", LEVEL_MAX);
	rc = revision_check_options(&options, r->t);
	if (!rc)
		rc = open_source(r);
	options.source = r->source;
	if (!rc)
		rc = open_store(r, &options);
	return rc ? rc : open_index(r);
}

static int publish_all(struct run *r)
{
	struct pipeline_result made;
	int rc = open_all(r);

	if (rc)
		return rc;
	rc = plan_memory(r);
	if (!rc)
		rc = recover_store(r);
	if (rc)
		return rc;
	rc = walk_source(r, false, count_entry, r);
	if (rc)
		return rc;
	rc = start_publication(r);
	if (rc)
		return rc;
	rc = start_comparison(r);
	if (!rc)
		rc = start_pipeline(r);
	if (rc)
		return rc;
	rc = publish_content(r, &made);
	if (rc)
		return rc;
	if (r->o->dry_run) {
		tell_revision(r, &made);
		return 0;
	}
	rc = publish_revision(r, &made);
	if (rc)
		return rc;
	settle_store(r);
	if (r->index && index_commit(r->index))
		log_warning(r->o->log, "the index of unchanged files could not be kept");
	warn_of_store(r);
	return 0;
}

/* After a failure: what was written stays, and the next one goes on from there. Once it is
 * durable it need not be looked at again. */
static void keep_written(struct run *r)
{
	store_discard(r->store);
	join_workers(r);
	if (r->recovered && !store_sync(r->store, NULL))
		store_settle(r->store, NULL);
}

static void release_run(struct run *r)
{
	join_workers(r);
	pipeline_free(r->pipeline);
	comparison_free(r->comparison);
	hardlinks_free(r->hardlinks);
	unreadable_release(&r->own);
	index_close(r->index);
	blobs_free(r->publication.blobs);
	scratches_free(r->publication.scratches);
	publication_release(&r->publication);
	revision_release(&r->revision);
	store_close(r->store);
	free(r->source);
	if (r->root >= 0)
		close(r->root);
}

int publish(const struct publish_options *options, struct publish_result *out,
	struct trouble *t)
{
	struct trouble own = {0};
	struct run r = {.o = options, .t = t ? t : &own, .root = -1};
	int rc;

	r.started = clock_monotonic();
	r.t->code = 0;
	r.unreadable = options->unreadable ? options->unreadable : &r.own;
	rc = publish_all(&r);
	if (rc && r.t->code != rc)
		trouble_set(
			r.t, rc, "cannot publish %s: %s", options->source, error_text(rc));
	if (rc)
		keep_written(&r);
	release_run(&r);
	r.result.took_ns = clock_monotonic() - r.started;
	if (!rc)
		*out = r.result;
	return rc;
}
