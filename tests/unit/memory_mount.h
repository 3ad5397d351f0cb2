/* SPDX-License-Identifier: MIT */
/*
 * A mount of a tree in memory, for tests of fs/ without a kernel, a server or a store:
 * pages of a few rows each (memory_pages.h), the contents of objects, a cache in a
 * temporary directory, and in the place of source/ a source that notes what is wanted and
 * hinted and brings it when the test says so. A test that includes it must use no other
 * function of source/. One thread at a time.
 */
#ifndef CAIRN_TESTS_MEMORY_MOUNT_H
#define CAIRN_TESTS_MEMORY_MOUNT_H

#include "unit/fuse_replies.h"

#include <fcntl.h>
#include <ftw.h>
#include <unistd.h>

#include "unit/entry_samples.h"
#include "unit/memory_pages.h"

#include "cache/insert.h"
#include "format/extent_list_builder.h"
#include "fs/filesystem.h"
#include "fs/lookups.h"
#include "fs/request_run.h"
#include "tree/tree.h"
#include "util/clock.h"
#include "util/io.h"

#define MOUNT_CHUNK 65536u /* bytes of a chunk */
#define MOUNT_HINTS 2048   /* noted at most */
#define MOUNT_WAITERS 16
#define MOUNT_DEADLINE (100 * NS_PER_SECOND)

struct engine {
	struct cache *cache;
};

struct waiting {
	struct waiter *waiter;
	int64_t deadline;
	unsigned count;
	struct want wants[WANTS_MAX];
};

struct memory_mount;
struct source {
	struct memory_mount *mount;
	struct engine engine;
	struct waiting line[MOUNT_WAITERS]; /* who waits */
	unsigned waiting;
	unsigned asked;	    /* calls of source_want */
	int refusal;	    /* what source_want gives; 0: it takes the waiter */
	bool prompt;	    /* what is wanted comes on another thread, before it returns */
	unsigned forgotten; /* taken out of the line */
	int run_error;	    /* what source_run gives when it would wait; 0: it comes */
	unsigned fails_at;  /* its call of that number, from now on; 0: none does */
	struct want hints[MOUNT_HINTS];
	unsigned hint_count;
};

struct memory_object {
	struct object_ref ref;
	uint8_t *content;
};

struct memory_mount {
	struct samples *samples; /* the entries; sorted once the mount has begun */
	struct memory_object **objects;
	size_t object_count;
	struct memory_pages pages;
	struct memory_pages lists; /* of extents: packed alone */
	char directory[64];
	struct log *log;
	struct source source;
	struct manifest manifest;
	struct dataset dataset;
	struct filesystem *fs;
};

/* Adds a copy of the entry, with that path; its other memory is the caller's. Before
 * mount_begin(). */
static inline void mount_add(
	struct memory_mount *m, const char *parent, const char *name, struct entry e)
{
	struct samples *s = m->samples;

	e.parent = sample_copy(s, parent, strlen(parent));
	e.name = sample_copy(s, name, strlen(name));
	if (!e.links)
		e.links = e.type == ENTRY_DIRECTORY ? 2 : 1;
	s->entries = realloc(s->entries, (s->count + 1) * sizeof *s->entries);
	assert_non_null(s->entries);
	s->entries[s->count++] = e;
}

static inline void mount_init(struct memory_mount *m)
{
	memset(m, 0, sizeof *m);
	m->samples = calloc(1, sizeof *m->samples);
	assert_non_null(m->samples);
	mount_add(m, "", "", (struct entry){.type = ENTRY_DIRECTORY, .mode = 0755});
}

/* With a tree of samples. */
static inline void mount_init_random(struct memory_mount *m, uint64_t seed, size_t count)
{
	memset(m, 0, sizeof *m);
	m->samples = samples_new(seed, count);
}

/* An object of noise with that many chunks, the last one shorter. It has that many bytes
 * less one. */
static inline const struct memory_object *mount_object(
	struct memory_mount *m, uint32_t chunks)
{
	size_t size = (size_t)chunks * MOUNT_CHUNK - 1;
	struct memory_object *o = sample_memory(m->samples, sizeof *o);
	uint8_t *list;

	m->objects = realloc(m->objects, (m->object_count + 1) * sizeof *m->objects);
	assert_non_null(m->objects);
	m->objects[m->object_count++] = o;
	o->content = sample_memory(m->samples, size);
	for (size_t i = 0; i + 8 <= size; i += 8) {
		uint64_t noise = sample_random(&m->samples->state);

		memcpy(o->content + i, &noise, sizeof noise);
	}
	list = sample_memory(m->samples, (size_t)chunks * CHUNK_RECORD_SIZE);
	for (uint32_t i = 0; i < chunks; i++) {
		struct chunk_ref c = {
			.size = i + 1 < chunks ? MOUNT_CHUNK : MOUNT_CHUNK - 1};

		c.digest = digest_of(o->content + (size_t)i * MOUNT_CHUNK, c.size);
		chunk_list_put(list, i, &c);
	}
	o->ref = (struct object_ref){.digest = digest_of(o->content, size),
		.size = size,
		.form = chunks == 1 ? OBJECT_SINGLE : OBJECT_LISTED,
		.count = chunks,
		.list = list};
	if (chunks > 1)
		o->ref.layout = digest_of(list, (size_t)chunks * CHUNK_RECORD_SIZE);
	return o;
}

/* A file that is that slice of an object. */
static inline struct entry mount_file(
	const struct memory_object *o, uint64_t offset, uint64_t size)
{
	return (struct entry){.type = ENTRY_FILE,
		.mode = 0644,
		.size = size,
		.has_content = true,
		.content = digest_of(o->content + offset, size),
		.object = o->ref,
		.offset = offset};
}

static inline void mount_begin_filesystem(struct memory_mount *m, enum open_mode mode)
{
	struct cache_options cache = {.set_floor = true};
	struct filesystem_options options = {
		.deadline_ns = MOUNT_DEADLINE, .open_mode = mode};
	static const char template[] = "/tmp/cairn-mount-XXXXXX";
	struct trouble t = {0};
	char path[128];

	memcpy(m->directory, template, sizeof template);
	assert_non_null(mkdtemp(m->directory));
	snprintf(path, sizeof path, "%s/log", m->directory);
	m->log = options.log = cache.log = log_new_file(LOG_LEVEL_INFO, path);
	snprintf(path, sizeof path, "%s/cache", m->directory);
	cache.directory = path;
	if (cache_open(&cache, &m->source.engine.cache, &t))
		fail_msg("%s", t.text);
	m->source.mount = m;
	m->dataset.source = &m->source;
	m->dataset.manifest = &m->manifest;
	assert_int_equal(filesystem_new(&m->dataset, &options, &m->fs), 0);
}

/* m->manifest is of the entries as they are now. */
static inline void mount_build(struct memory_mount *m)
{
	struct samples *s = m->samples;

	qsort(s->entries, s->count, sizeof *s->entries, sample_order);
	memory_pages_build_tiny(&m->pages, s->entries, s->count, &m->manifest.root);
	m->manifest.totals = (struct totals){.entries = s->count};
	for (size_t i = 0; i < s->count; i++)
		m->manifest.totals.xattrs += s->entries[i].xattrs.size > 0;
	m->manifest.revision++;
}

/* Nothing of it is in the cache yet. */
static inline void mount_begin(struct memory_mount *m, enum open_mode mode)
{
	mount_build(m);
	mount_begin_filesystem(m, mode);
}

/* What m->manifest says now is shown from now on; the node table has not moved. */
static inline void mount_show(struct memory_mount *m)
{
	struct view *view = views_next(&m->fs->views, &m->manifest);
	const struct view *last;

	assert_non_null(view);
	view->turn--;
	views_change(&m->fs->views, view, &last);
	views_wait(&m->fs->views, last);
}

static inline int mount_remove_one(
	const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

/* Nobody waits any more, or request_run_end() answers who does. */
static inline void mount_end(struct memory_mount *m)
{
	request_run_end(m->fs);
	assert_int_equal(m->source.waiting, 0);
	assert_int_equal(parked_list_count(&m->fs->parked), 0);
	filesystem_free(m->fs);
	cache_close(m->source.engine.cache);
	log_free(m->log);
	memory_pages_release(&m->pages);
	memory_pages_release(&m->lists);
	free(m->objects);
	samples_free(m->samples);
	nftw(m->directory, mount_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline bool mount_logged(struct memory_mount *m, const char *words)
{
	struct bytes text = {0};
	char path[128];
	bool found;

	snprintf(path, sizeof path, "%s/log", m->directory);
	assert_int_equal(io_read_file(AT_FDCWD, path, 1u << 20, &text), 0);
	assert_int_equal(bytes_append(&text, "", 1), 0);
	found = strstr((const char *)text.data, words) != NULL;
	bytes_release(&text);
	return found;
}

/* The tree, as it is in memory. */

static inline int mount_get_page(void *ctx, const struct digest *name, struct page *out)
{
	return memory_pages_get(&((struct memory_mount *)ctx)->pages, name, out);
}

static inline struct page_source mount_pages(struct memory_mount *m)
{
	return (struct page_source){.page = mount_get_page, .ctx = m};
}

static inline const struct entry *mount_entry(
	struct memory_mount *m, const char *parent, const char *name)
{
	struct entry key = {.parent = span_of_string(parent), .name = span_of_string(name)};
	const struct entry *e = bsearch(
		&key, m->samples->entries, m->samples->count, sizeof key, sample_order);

	assert_non_null(e);
	return e;
}

/* Where that entry is. */
static inline struct place mount_place(
	struct memory_mount *m, const char *parent, const char *name)
{
	struct page_source pages = mount_pages(m);
	struct place place;
	struct entry e;

	assert_int_equal(tree_find(&pages, &m->manifest.root, span_of_string(parent),
				 span_of_string(name), &place, &e),
		0);
	return place;
}

static inline unsigned mount_page_level(const struct memory_page *p)
{
	struct page page;

	assert_int_equal(page_view(span_of_bytes(&p->packed), &page), 0);
	return page.level;
}

/* A page's or a chunk's own bytes. There is nothing else that could be brought. */
static inline struct span mount_blob(struct memory_mount *m, const struct want *want)
{
	struct memory_page *p = memory_pages_find(&m->pages, &want->digest);

	if (want->kind == BLOB_EXTENTS)
		p = memory_pages_find(&m->lists, &want->digest);
	if (want->kind != BLOB_CHUNK && p)
		return span_of_bytes(&p->packed);
	for (size_t i = 0; i < m->object_count; i++)
		if (digest_equal(&m->objects[i]->ref.digest, &want->object.digest))
			return span_of(m->objects[i]->content + want->start, want->size);
	fprintf(stderr, "there is no such blob\n");
	abort();
}

/* All that the cache was given is committed: what is read at the very moment of a commit
 * may be missed, which the real source would notice. */
static inline void mount_flush(struct memory_mount *m)
{
	assert_int_equal(cache_flush(m->source.engine.cache), 0);
}

static inline void mount_put(struct memory_mount *m, const struct want *want)
{
	struct cache *cache = m->source.engine.cache;
	struct span blob = mount_blob(m, want);
	struct blob_buffer *buffer;

	if (want->kind == BLOB_CHUNK) {
		assert_int_equal(cache_put_chunk(cache, want, blob, false), 0);
		return;
	}
	buffer = blob_buffer_new(want->kind, &want->digest, blob.size);
	assert_non_null(buffer);
	memcpy(blob_buffer_data(buffer), blob.data, blob.size);
	assert_int_equal(cache_put_page(cache, buffer), 0);
	blob_buffer_put(buffer);
}

static inline int mount_emit_list(void *ctx, const struct digest *name, struct span text)
{
	struct memory_pages *lists = ctx;
	size_t size = (lists->count + 1) * sizeof *lists->pages;

	lists->pages = realloc(lists->pages, size);
	assert_non_null(lists->pages);
	lists->pages[lists->count] = (struct memory_page){.name = *name};
	return extent_list_decode(text, &lists->pages[lists->count++].packed, NULL);
}

/* The lists of so many runs of a byte, one behind each `stride` bytes; they are blobs. */
static inline struct extents_ref mount_run_list(
	struct memory_mount *m, uint64_t runs, uint64_t stride)
{
	struct extent_list_builder *b = extent_list_builder_new();
	struct extents_made made;

	extent_list_builder_reset(b, mount_emit_list, &m->lists);
	for (uint64_t i = 1; i <= runs; i++)
		assert_int_equal(
			extent_list_builder_add(b, (struct extent){i * stride, 1}), 0);
	assert_int_equal(extent_list_builder_finish(b, &made), 0);
	extent_list_builder_free(b);
	return made.list;
}

/* The cache gets it. */
static inline void mount_keep(struct memory_mount *m, const struct want *want)
{
	mount_put(m, want);
	mount_flush(m);
}

static inline void mount_keep_page(struct memory_mount *m, const struct digest *name)
{
	mount_keep(m, &(struct want){.kind = BLOB_PAGE, .digest = *name});
}

/* All pages of these levels. */
static inline void mount_keep_levels(struct memory_mount *m, unsigned first, unsigned last)
{
	for (size_t i = 0; i < m->pages.count; i++) {
		unsigned level = mount_page_level(&m->pages.pages[i]);

		if (level >= first && level <= last)
			mount_put(m, &(struct want){.kind = BLOB_PAGE,
					     .digest = m->pages.pages[i].name});
	}
	mount_flush(m);
}

static inline void mount_keep_pages(struct memory_mount *m)
{
	mount_keep_levels(m, 0, PAGE_LEVEL_MAX);
}

static inline struct want mount_chunk(const struct memory_object *o, uint32_t ordinal)
{
	struct chunk_ref c = chunk_list_at(o->ref.list, ordinal);
	struct want w = {.kind = BLOB_CHUNK,
		.digest = c.digest,
		.size = c.size,
		.object = object_id_of(&o->ref),
		.object_size = o->ref.size,
		.chunks = o->ref.count,
		.ordinal = ordinal,
		.start = (uint64_t)ordinal * MOUNT_CHUNK};

	return w;
}

static inline void mount_keep_object(struct memory_mount *m, const struct memory_object *o)
{
	for (uint32_t i = 0; i < o->ref.count; i++) {
		struct want w = mount_chunk(o, i);

		mount_put(m, &w);
	}
	mount_flush(m);
}

/* The source. */

static inline void waiting_remove(struct source *s, unsigned index)
{
	s->line[index] = s->line[--s->waiting];
}

/* What the first in line waits for comes: into the cache if `keep`, and in any case into
 * the waiter's own hands. */
static inline void mount_bring_first(struct memory_mount *m, bool keep)
{
	struct waiting w = m->source.line[0];

	assert_int_not_equal(m->source.waiting, 0);
	waiting_remove(&m->source, 0);
	for (unsigned i = 0; i < w.count; i++) {
		struct span blob = mount_blob(m, &w.wants[i]);
		struct blob_buffer *buffer;

		if (keep)
			mount_put(m, &w.wants[i]);
		buffer = blob_buffer_new(w.wants[i].kind, &w.wants[i].digest, blob.size);
		assert_non_null(buffer);
		memcpy(blob_buffer_data(buffer), blob.data, blob.size);
		assert_int_equal(blob_buffers_add(&w.waiter->buffers, buffer), 0);
	}
	if (keep)
		mount_flush(m);
	w.waiter->error = 0;
	w.waiter->ready(w.waiter);
}

/* Until nobody waits. */
static inline void mount_bring(struct memory_mount *m, bool keep)
{
	while (m->source.waiting)
		mount_bring_first(m, keep);
}

/* The first in line hears that it cannot be had. */
static inline void mount_fail_first(struct memory_mount *m, int error, const char *words)
{
	struct waiter *w = m->source.line[0].waiter;

	assert_int_not_equal(m->source.waiting, 0);
	waiting_remove(&m->source, 0);
	w->error = trouble_set(&w->trouble, error, "%s", words);
	w->ready(w);
}

static inline void *mount_bring_now(void *arg)
{
	mount_bring_first(arg, true);
	return NULL;
}

int source_want(struct source *s, const struct want *wants, unsigned count,
	enum fetch_priority priority, int64_t deadline, struct waiter *waiter)
{
	struct waiting *w = &s->line[s->waiting];
	pthread_t thread;

	assert_int_equal(priority, FETCH_DEMAND);
	assert_in_range(count, 1, WANTS_MAX);
	s->asked++;
	if (s->refusal)
		return s->refusal;
	assert_true(s->waiting < MOUNT_WAITERS);
	s->waiting++;
	w->waiter = waiter;
	w->deadline = deadline;
	w->count = count;
	memcpy(w->wants, wants, count * sizeof *wants);
	if (s->prompt) {
		assert_int_equal(
			pthread_create(&thread, NULL, mount_bring_now, s->mount), 0);
		assert_int_equal(pthread_join(thread, NULL), 0);
	}
	return 0;
}

/* What is wanted comes at once. */
int source_run(struct source *s, attempt_fn step, void *arg, int64_t deadline_ns,
	enum fetch_priority priority, struct trouble *t)
{
	struct attempt a;
	int rc;

	(void)deadline_ns, (void)priority;
	if (s->fails_at && --s->fails_at == 0)
		return trouble_set(t, s->run_error ? s->run_error : ERR_UNREACHABLE,
			"as the test says");
	for (;;) {
		do {
			assert_int_equal(attempt_begin(&a, s->engine.cache, NULL), 0);
			rc = step(&a, arg);
		} while (attempt_end(&a));
		if (rc != ERR_PENDING)
			return rc;
		if (s->run_error)
			return trouble_set(t, s->run_error, "as the test says");
		for (unsigned i = 0; i < a.want_count; i++)
			mount_put(s->mount, &a.wants[i]);
		mount_flush(s->mount);
	}
}

bool source_forget(struct source *s, struct waiter *waiter)
{
	for (unsigned i = 0; i < s->waiting; i++) {
		if (s->line[i].waiter != waiter)
			continue;
		waiting_remove(s, i);
		s->forgotten++;
		return true;
	}
	return false;
}

unsigned source_look(struct source *s, const struct waiter *waiter, struct blob_wait *out,
	unsigned room, int64_t *deadline)
{
	*deadline = 0;
	for (unsigned i = 0; i < s->waiting; i++) {
		const struct waiting *w = &s->line[i];

		if (w->waiter != waiter)
			continue;
		*deadline = w->deadline;
		for (unsigned k = 0; k < w->count && k < room; k++)
			out[k] = (struct blob_wait){.kind = w->wants[k].kind,
				.digest = w->wants[k].digest,
				.stage = BLOB_QUEUED};
		return w->count;
	}
	return 0;
}

void waiter_release(struct waiter *waiter)
{
	blob_buffers_release(&waiter->buffers);
}

void source_hint(struct source *s, const struct want *wants, unsigned count,
	enum fetch_priority priority)
{
	assert_int_equal(priority, FETCH_READAHEAD);
	assert_int_not_equal(count, 0);
	assert_true(s->hint_count + count <= MOUNT_HINTS);
	memcpy(s->hints + s->hint_count, wants, count * sizeof *wants);
	s->hint_count += count;
}

struct engine *source_engine(struct source *s)
{
	return &s->engine;
}

struct cache *engine_cache(struct engine *e)
{
	return e->cache;
}

static inline bool mount_hinted(struct memory_mount *m, const struct digest *blob)
{
	for (unsigned i = 0; i < m->source.hint_count; i++)
		if (digest_equal(&m->source.hints[i].digest, blob))
			return true;
	return false;
}

/* Only the first in line waits, for just this blob. */
#define assert_waits_for(m, blob)                                                          \
	do {                                                                               \
		assert_int_equal((m)->source.waiting, 1);                                  \
		assert_int_equal((m)->source.line[0].count, 1);                            \
		assert_true(digest_equal(&(m)->source.line[0].wants[0].digest, blob));     \
	} while (0)

/* The node id of a name, which is there; what it needs is brought. Counts a lookup. */
static inline uint64_t mount_lookup(
	struct memory_mount *m, uint64_t parent, const char *name)
{
	struct fuse_req req;
	uint64_t node;

	req_init(&req, m->fs);
	lookups_lookup(&req, parent, name);
	mount_bring(m, true);
	assert_reply(&req, REPLY_ENTRY);
	node = req.reply.entry.ino;
	assert_int_not_equal(node, 0);
	req_release(&req);
	return node;
}

#endif
