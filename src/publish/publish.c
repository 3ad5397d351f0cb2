/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/json_byte_string.h"
#include "format/names.h"
#include "format/tag.h"
#include "publish/attributes.h"
#include "publish/item.h"
#include "publish/pipeline.h"
#include "util/clock.h"

#define MEMORY_DEFAULT ((uint64_t)256 << 20)
#define MEMORY_MIN ((uint64_t)64 << 20)
#define LEVEL_DEFAULT 3
#define LEVEL_MAX 19 /* beyond, zstd takes more memory than SCRATCH_SIZE says */
#define JOBS_MAX 256
#define ITEMS_PART 8 /* of the memory: entries that wait for their page */
#define BUFFERS_MIN 2

/* All that one publish() holds, in the order in which it is got. */
struct run {
	const struct publish_options *o;
	struct trouble *t;
	struct store *store;
	struct bytes previous_text;
	struct manifest *previous; /* NULL: the first revision */
	char *name;
	char *source; /* absolute */
	int root;
	struct index *index;
	struct stat index_st; /* of its directory: it changes while it is published */
	struct hardlinks *hardlinks;
	struct publish_progress progress;
	unsigned jobs;
	uint64_t memory;
	struct publication publication;
	struct pipeline *pipeline;
	struct first_pages first;
	int64_t started;
	struct publish_result result;
};

static int check_options(struct run *r)
{
	const struct publish_options *o = r->o;

	if (o->level < 0 || o->level > LEVEL_MAX)
		return trouble_set(
			r->t, ERR_INVALID, "the level has to be 1 to %d", LEVEL_MAX);
	if (o->tag && tag_name_check(o->tag))
		return trouble_set(r->t, ERR_INVALID,
			"'%s' cannot be a tag: use letters, digits, '.', '_' and '-', not "
			"first '.' or '-', at most %d",
			o->tag, TAG_NAME_MAX);
	if (o->message && strlen(o->message) > MANIFEST_MESSAGE_MAX)
		return trouble_set(r->t, ERR_LIMIT, "the message is longer than %d bytes",
			MANIFEST_MESSAGE_MAX);
	if (o->message && !json_byte_string_is_text(span_of_string(o->message)))
		return trouble_set(r->t, ERR_INVALID, "the message is not UTF-8");
	return 0;
}

/* Each job takes a scratch and a buffer or two; what is left is for more buffers. */
static void plan_memory(struct run *r)
{
	uint64_t each = SCRATCH_SIZE + 2 * (uint64_t)CHUNK_SIZE_MAX, most;
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	r->jobs = r->o->jobs ? r->o->jobs : (unsigned)(processors > 0 ? processors : 1);
	if (r->jobs > JOBS_MAX)
		r->jobs = JOBS_MAX;
	r->memory = r->o->memory;
	if (r->memory == 0)
		r->memory = 2 * r->jobs * each > MEMORY_DEFAULT ? 2 * r->jobs * each
								: MEMORY_DEFAULT;
	if (r->memory < MEMORY_MIN)
		r->memory = MEMORY_MIN;
	most = r->memory / 2 / each;
	if (r->jobs > most)
		r->jobs = most > 0 ? (unsigned)most : 1;
}

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
	const struct stat *store = store_stat(r->store);
	char path[PATH_SIZE_MAX + 1];
	size_t size = strlen(r->source);

	if (size > PATH_SIZE_MAX)
		return trouble_set(r->t, ERR_LIMIT, "the source's path is too long");
	memcpy(path, r->source, size + 1);
	while (size > 0) {
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

static int check_key(struct run *r)
{
	struct public_key key = private_key_public(r->o->key);
	char text[PUBLIC_KEY_TEXT_SIZE];

	if (r->o->new_key || !manifest_verify(span_of_bytes(&r->previous_text), &key))
		return 0;
	public_key_to_text(&key, text);
	return trouble_set(r->t, ERR_UNTRUSTED,
		"the store %s is signed by another key than %s, and its readers would "
		"refuse this one: use the key of its last revision (--key), or this one "
		"from now on (--new-key) and tell the readers",
		r->o->store, text);
}

/* What the manifest may hold: see document_name(). */
static bool is_name(const char *name)
{
	size_t size = strlen(name);

	for (size_t i = 0; i < size; i++)
		if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
			return false;
	return size > 0 && size <= MANIFEST_NAME_MAX &&
	       json_byte_string_is_text(span_of_string(name));
}

/* The dataset's name: given, the store's, or that of the source. */
static int choose_name(struct run *r)
{
	const char *slash = strrchr(r->source, '/');
	const char *name = r->o->name;

	if (r->previous && name && strcmp(name, r->previous->name) != 0)
		return trouble_set(r->t, ERR_INVALID,
			"the store %s holds the dataset '%s', not '%s': leave the name out "
			"or "
			"publish to another store",
			r->o->store, r->previous->name, name);
	if (!name)
		name = r->previous ? r->previous->name : slash + 1;
	if (name[0] == '\0')
		name = r->o->name ? "" : "root";
	if (!is_name(name))
		return trouble_set(r->t, ERR_INVALID,
			"'%s' cannot be a dataset's name: give one of 1 to %d bytes of "
			"UTF-8 without control characters (--name)",
			name, MANIFEST_NAME_MAX);
	r->name = strdup(name);
	return r->name ? 0 : ERR_NO_MEMORY;
}

static int open_store(struct run *r)
{
	int rc = store_open(r->o->store, &r->store, r->t);

	if (!rc)
		rc = check_not_inside(r);
	if (rc)
		return rc;
	rc = store_read_manifest(r->store, &r->previous_text, &r->previous, r->t);
	if (rc == ERR_ABSENT)
		rc = 0;
	else if (!rc)
		rc = check_key(r);
	return rc ? rc : choose_name(r);
}

/* Without an index everything is read: slower, not wrong. */
static int open_index(struct run *r)
{
	struct trouble why = {0};
	char *store;

	if (!r->o->index_dir)
		return 0;
	store = realpath(r->o->store, NULL);
	if (!store)
		return trouble_errno(r->t, "cannot find the store %s", r->o->store);
	if (index_open(r->o->index_dir, store, r->source, &r->index, &why)) {
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

static int count_entry(void *ctx, const struct walk_entry *e, struct trouble *t)
{
	struct run *r = ctx;

	(void)t;
	r->progress.entries_total++;
	if (S_ISDIR(e->st.st_mode))
		return 0;
	if (e->st.st_nlink > 1) {
		int rc = hardlinks_count(r->hardlinks, e->st.st_dev, e->st.st_ino);

		if (rc)
			return rc;
		if (hardlinks_find(r->hardlinks, e->st.st_dev, e->st.st_ino))
			return 0; /* its bytes were counted with the first name */
	}
	if (S_ISREG(e->st.st_mode))
		r->progress.bytes_total += data_bytes(&e->st);
	return 0;
}

static int walk_source(struct run *r, bool links, walk_fn each, void *ctx)
{
	struct walk_options options = {
		.root = r->root,
		.source = r->source,
		.exclude = r->o->exclude,
		.one_file_system = r->o->one_file_system,
		.links = links,
		.store = store_stat(r->store),
		.closed = r->index ? &r->index_st : NULL,
	};

	return walk(&options, each, ctx, r->t);
}

static int start_publication(struct run *r)
{
	struct publication *p = &r->publication;
	uint64_t jobs = (uint64_t)r->jobs * SCRATCH_SIZE, items = r->memory / ITEMS_PART;
	uint64_t buffers = BUFFERS_MIN * (uint64_t)r->jobs;
	int rc;

	if (r->memory > jobs + items &&
		(r->memory - jobs - items) / CHUNK_SIZE_MAX > buffers)
		buffers = (r->memory - jobs - items) / CHUNK_SIZE_MAX;
	p->root = r->root;
	p->source = r->source;
	rc = publication_init(p, (unsigned)buffers);
	if (rc)
		return rc;
	p->scratches = scratches_new(r->store, r->previous ? &r->previous->root : NULL);
	/* One more for the tool's thread, which may write a page. */
	p->blobs = blobs_new(
		r->store, r->o->level ? r->o->level : LEVEL_DEFAULT, r->jobs + 1);
	if (!p->scratches || !p->blobs)
		return ERR_NO_MEMORY;
	return workers_new("publish", r->jobs, &p->workers);
}

static int start_pipeline(struct run *r)
{
	struct pipeline_options options = {
		.publication = &r->publication,
		.hardlinks = r->hardlinks,
		.index = r->index,
		.memory = r->memory / ITEMS_PART,
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

/* The content: everything that is in the store before a manifest names it. */
static int publish_content(struct run *r)
{
	struct publish_result *result = &r->result;
	struct pipeline_result made;
	struct blob_totals blobs;
	int rc = walk_source(r, true, pipeline_add, r->pipeline);

	if (!rc)
		rc = pipeline_finish(r->pipeline, &made, r->t);
	if (rc) /* so that the workers leave what is queued */
		publication_fail(&r->publication, rc, r->t);
	join_workers(r);
	if (!rc)
		rc = publication_failure(&r->publication, r->t);
	if (rc)
		return rc;
	result->root = made.root;
	result->totals = made.totals;
	r->first = made.first;
	blobs = blobs_totals(r->publication.blobs);
	result->totals.stored = blobs.stored;
	result->new_blobs = blobs.new_blobs;
	result->new_bytes = blobs.new_bytes;
	result->delta_blobs = blobs.delta_blobs;
	result->read_bytes = atomic_load(&r->publication.read_bytes);
	return store_sync(r->store, r->t);
}

/* A message is reason enough for a revision. */
static bool is_unchanged(const struct run *r)
{
	return r->previous && !r->o->message && !r->o->new_key &&
	       digest_equal(&r->previous->root, &r->result.root);
}

/* The dataset's random number: the first revision makes it, the others keep it. */
static int name_dataset(struct run *r, char dataset[MANIFEST_DATASET_SIZE])
{
	unsigned char number[(MANIFEST_DATASET_SIZE - 1) / 2];

	if (r->previous) {
		memcpy(dataset, r->previous->dataset, MANIFEST_DATASET_SIZE);
		return 0;
	}
	if (getentropy(number, sizeof(number)))
		return trouble_errno(r->t, "no random number for the new dataset");
	for (size_t i = 0; i < sizeof(number); i++)
		snprintf(dataset + 2 * i, 3, "%02x", number[i]);
	return 0;
}

static int write_manifest(struct run *r, struct bytes *text)
{
	struct manifest m = {
		.name = r->name,
		.revision = r->result.revision,
		.created = clock_realtime() / NS_PER_SECOND,
		.message = (char *)(uintptr_t)(r->o->message ? r->o->message : ""),
		.has_previous = r->previous != NULL,
		.root = r->result.root,
		.first = r->first,
		.totals = r->result.totals,
		.delta = blobs_totals(r->publication.blobs).delta,
	};
	int rc;

	if (r->previous) {
		m.previous = r->previous->digest;
		m.mirrors = r->previous->mirrors;
		m.mirror_count = r->previous->mirror_count;
	}
	rc = name_dataset(r, m.dataset);
	if (!rc)
		rc = manifest_encode(&m, &r->o->key, 1, text);
	return rc ? rc
		  : store_write_manifest(r->store, m.revision, span_of_bytes(text), r->t);
}

static int write_revision(struct run *r, struct bytes *text)
{
	r->result.unchanged = is_unchanged(r);
	r->result.revision = r->previous ? r->previous->revision : 0;
	if (r->result.unchanged)
		return bytes_append(text, r->previous_text.data, r->previous_text.size);
	if (r->result.revision >= REVISION_MAX)
		return trouble_set(r->t, ERR_LIMIT, "the store has no revisions left");
	r->result.revision++;
	return write_manifest(r, text);
}

static int write_tag(struct run *r, struct span manifest)
{
	struct tag tag = {
		.name = r->name,
		.revision = r->result.revision,
		.manifest = digest_of(manifest.data, manifest.size),
		.created = clock_realtime() / NS_PER_SECOND,
	};
	struct bytes text = {0};
	int rc;

	if (!r->o->tag)
		return 0;
	memcpy(tag.tag, r->o->tag, strlen(r->o->tag) + 1);
	rc = tag_encode(&tag, &r->o->key, 1, &text);
	if (!rc)
		rc = store_write_tag(r->store, tag.tag, span_of_bytes(&text), r->t);
	bytes_release(&text);
	return rc;
}

static int publish_all(struct run *r)
{
	struct bytes text = {0};
	int rc = check_options(r);

	if (!rc)
		rc = open_source(r);
	if (!rc)
		rc = open_store(r);
	if (!rc)
		rc = open_index(r);
	if (!rc)
		rc = walk_source(r, false, count_entry, r);
	plan_memory(r);
	if (!rc)
		rc = start_publication(r);
	if (!rc)
		rc = start_pipeline(r);
	if (!rc)
		rc = publish_content(r);
	if (!rc)
		rc = write_revision(r, &text);
	if (!rc)
		rc = write_tag(r, span_of_bytes(&text));
	if (!rc && r->index && index_commit(r->index))
		log_warning(r->o->log, "the index of unchanged files could not be kept");
	bytes_release(&text);
	return rc;
}

static void release_leader(void *leader)
{
	item_free(leader);
}

static void release(struct run *r)
{
	join_workers(r);
	pipeline_free(r->pipeline);
	hardlinks_free(r->hardlinks, release_leader);
	index_close(r->index);
	blobs_free(r->publication.blobs);
	scratches_free(r->publication.scratches);
	publication_release(&r->publication);
	manifest_free(r->previous);
	bytes_release(&r->previous_text);
	store_close(r->store);
	free(r->name);
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
	r.hardlinks = hardlinks_new();
	rc = r.hardlinks ? publish_all(&r) : ERR_NO_MEMORY;
	if (rc && r.t->code != rc)
		trouble_set(
			r.t, rc, "cannot publish %s: %s", options->source, error_text(rc));
	if (rc)
		store_discard(r.store);
	release(&r);
	r.result.took_ns = clock_monotonic() - r.started;
	if (!rc)
		*out = r.result;
	return rc;
}
