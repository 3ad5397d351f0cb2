/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cache/attempt_pages.h"
#include "cache/file_map.h"
#include "cache/scrub.h"
#include "cli/progress.h"
#include "format/names.h"
#include "util/home.h"

#define WALK_BATCH 128 /* entries copied out of the pages at a time */
#define WALK_AHEAD 16  /* leaves asked for before they are reached */

int reader_open_cache(struct reader *r, const struct reader_options *o, struct trouble *t)
{
	struct cache_options options = {
		.log = r->log,
		.set_quota = o->set_quota,
		.set_floor = o->set_floor,
		.quota = o->quota,
		.floor = o->floor,
		.verify = o->verify,
		.wait_ns = o->dataset.deadline_ns,
	};
	char *own = NULL;
	int rc;

	if (!o->cache)
		own = home_cache_directory();
	options.directory = o->cache ? o->cache : own;
	if (!options.directory)
		return trouble_set(t, ERR_NO_MEMORY, "out of memory");
	rc = cache_open(&options, &r->cache, t);
	free(own);
	return rc;
}

static void say_pinned(const struct dataset *d)
{
	char key[PUBLIC_KEY_TEXT_SIZE];

	public_key_to_text(&d->key, key);
	progress_hide();
	fprintf(stderr,
		"cairn: %s is new here: from now on only revisions signed by\n"
		"cairn:   %s\n"
		"cairn: are accepted for it (compare with the publisher's `cairn key "
		"show`).\n",
		d->url, key);
}

/* A token that anybody on the way can read. */
static void warn_of_plain(struct reader *r, const struct reader_options *o)
{
	const char *url = o->dataset.url;

	if (o->credentials.bearer_file && url && strncasecmp(url, "http://", 7) == 0)
		log_warning(r->log,
			"%s is not https://: whoever sees the connection can read the "
			"token and "
			"use it",
			url);
}

int reader_open(struct reader *r, const struct reader_options *o, struct log *log,
	struct trouble *t)
{
	struct engine_options engine;
	int rc;

	memset(r, 0, sizeof *r);
	r->log = log ? log : log_new_stderr(log_level_of(LOG_LEVEL_WARNING, o->verbose));
	log_before_line(r->log, progress_hide);
	r->deadline_ns = o->dataset.deadline_ns;
	rc = credentials_check(&o->credentials, t);
	warn_of_plain(r, o);
	if (!rc)
		rc = reader_open_cache(r, o, t);
	if (!rc && o->scrub && scrub_new(r->cache, o->scrub, &r->scrub))
		rc = trouble_set(t, ERR_NO_MEMORY, "cannot start the cache's scrub");
	if (rc)
		goto out;
	engine = (struct engine_options){
		.cache = r->cache,
		.log = r->log,
		.credentials = &o->credentials,
		.memory = o->memory,
	};
	rc = engine_new(&engine, &r->engine, t);
	if (!rc)
		rc = dataset_open(r->engine, &o->dataset, &r->dataset, t);
	if (!rc && r->dataset->newly_pinned)
		say_pinned(r->dataset);
out:
	if (rc)
		reader_close(r);
	return rc;
}

void reader_close(struct reader *r)
{
	scrub_free(r->scrub);
	if (r->dataset)
		dataset_close(r->dataset);
	if (r->engine)
		engine_free(r->engine);
	if (r->cache)
		cache_close(r->cache);
	log_free(r->log);
	memset(r, 0, sizeof *r);
}

bool reader_is_url(const char *text)
{
	char *manifest = NULL;
	bool found;

	if (strstr(text, "://"))
		return true;
	if (*text != '/' || asprintf(&manifest, "%s/manifest.json", text) < 0)
		return false;
	found = access(manifest, F_OK) == 0;
	free(manifest);
	return found;
}

static int reader_path_add(
	struct bytes *path, const char *name, size_t size, struct trouble *t)
{
	int rc = 0;

	if (size == 0 || (size == 1 && *name == '.'))
		return 0;
	if (size == 2 && memcmp(name, "..", 2) == 0)
		return trouble_set(t, ERR_INVALID, "a path may not contain '..'");
	if (path->size)
		rc = bytes_append(path, "/", 1);
	if (!rc)
		rc = bytes_append(path, name, size);
	return rc ? trouble_set(t, rc, "out of memory") : 0;
}

char *reader_path(const char *text, struct trouble *t)
{
	struct bytes path = {0};
	char *out = NULL;
	int rc = 0;

	while (!rc && *text) {
		size_t size = strcspn(text, "/");

		rc = reader_path_add(&path, text, size, t);
		text += size + (text[size] == '/');
	}
	if (!rc && path.size > PATH_SIZE_MAX)
		rc = trouble_set(
			t, ERR_INVALID, "a path is at most %d bytes long", PATH_SIZE_MAX);
	if (!rc) {
		out = span_to_string(span_of_bytes(&path));
		if (!out)
			trouble_set(t, ERR_NO_MEMORY, "out of memory");
	}
	bytes_release(&path);
	return out;
}

/* A step that is counted when it needs what is not here. */
struct counted {
	struct reader *reader;
	attempt_fn step;
	void *arg;
};

static int counted_step(struct attempt *a, void *arg)
{
	struct counted *c = arg;
	int rc = c->step(a, c->arg);

	c->reader->misses += rc == ERR_PENDING;
	return rc;
}

int reader_run(struct reader *r, attempt_fn step, void *arg, struct trouble *t)
{
	struct counted c = {r, step, arg};

	return source_run(
		r->dataset->source, counted_step, &c, r->deadline_ns, FETCH_DEMAND, t);
}

struct find {
	const struct digest *root;
	struct span path;
	struct entry_copy *out;
	uint64_t *rank;
	bool no_name; /* what is absent is the name, not a blob */
};

static int reader_find_step(struct attempt *a, void *arg)
{
	struct find *f = arg;
	struct page_source pages = attempt_pages(a);
	struct place place;
	struct entry entry;
	int rc = tree_find_path(&pages, f->root, f->path, &place, &entry);

	if (!rc)
		rc = entry_copy(&entry, f->out);
	if (!rc && f->rank)
		*f->rank = place.rank;
	f->no_name = rc == ERR_ABSENT;
	return rc;
}

int reader_find(struct reader *r, const char *path, struct entry_copy *out, uint64_t *rank,
	struct trouble *t)
{
	struct find f = {
		&r->dataset->manifest->root, span_of_string(path), out, rank, false};
	int rc = reader_run(r, reader_find_step, &f, t);

	if (f.no_name)
		trouble_set(t, rc, "%s: there is no '%s' in revision %llu", r->dataset->url,
			path, (unsigned long long)r->dataset->manifest->revision);
	return rc;
}

struct walk {
	const struct digest *root;
	uint64_t rank, end;
	struct entry_copy batch[WALK_BATCH];
	unsigned count;
};

static int reader_walk_each(void *ctx, const struct place *place, const struct entry *e)
{
	struct walk *w = ctx;
	int rc;

	if (place->rank >= w->end || w->count == WALK_BATCH)
		return 1;
	rc = entry_copy(e, &w->batch[w->count]);
	if (!rc)
		w->count++;
	return rc;
}

/* What was copied before a page was found missing is kept: that is progress too. */
static int reader_walk_step(struct attempt *a, void *arg)
{
	struct walk *w = arg;
	struct page_source pages = attempt_pages(a);
	int rc = tree_walk(&pages, w->root, w->rank, WALK_AHEAD, reader_walk_each, w);

	if (rc == 1 || (rc == ERR_PENDING && w->count > 0))
		rc = 0;
	return rc;
}

int reader_walk(struct reader *r, uint64_t first, uint64_t end, reader_each_fn each,
	void *ctx, struct trouble *t)
{
	struct walk *w = calloc(1, sizeof *w);
	int rc = 0;

	if (!w)
		return trouble_set(t, ERR_NO_MEMORY, "out of memory");
	w->root = &r->dataset->manifest->root;
	w->rank = first;
	w->end = end;
	while (!rc && w->rank < end) {
		rc = reader_run(r, reader_walk_step, w, t);
		if (!rc && w->count == 0)
			break;
		for (unsigned i = 0; i < w->count; i++) {
			if (!rc)
				rc = each(ctx, &w->batch[i].entry, w->rank + i, t);
			entry_copy_release(&w->batch[i]);
		}
		w->rank += w->count;
		w->count = 0;
	}
	free(w);
	return rc;
}

struct subtree {
	const struct digest *root;
	struct span path;
	uint64_t first, end;
};

static int reader_subtree_step(struct attempt *a, void *arg)
{
	struct subtree *s = arg;
	struct page_source pages = attempt_pages(a);

	return tree_subtree(&pages, s->root, s->path, &s->first, &s->end);
}

int reader_subtree(struct reader *r, const char *path, uint64_t *first, uint64_t *end,
	struct trouble *t)
{
	struct subtree s = {&r->dataset->manifest->root, span_of_string(path), 0, 0};
	int rc = reader_run(r, reader_subtree_step, &s, t);

	if (!rc) {
		*first = s.first;
		*end = s.end;
	}
	return rc;
}

struct range {
	const struct digest *root;
	uint64_t first, end, bytes;
};

static int reader_bytes_step(struct attempt *a, void *arg)
{
	struct range *range = arg;
	struct page_source pages = attempt_pages(a);

	return tree_bytes(&pages, range->root, range->first, range->end, &range->bytes);
}

int reader_bytes(
	struct reader *r, uint64_t first, uint64_t end, uint64_t *bytes, struct trouble *t)
{
	struct range range = {&r->dataset->manifest->root, first, end, 0};
	int rc = reader_run(r, reader_bytes_step, &range, t);

	if (!rc)
		*bytes = range.bytes;
	return rc;
}

struct read {
	const struct entry *entry;
	uint64_t offset;
	uint8_t *buffer;
	size_t size, done;
};

static int reader_read_step(struct attempt *a, void *arg)
{
	struct read *r = arg;

	return file_read(a, r->entry, r->offset, r->buffer, r->size, &r->done);
}

int reader_read(struct reader *r, const struct entry *e, uint64_t offset, void *buffer,
	size_t size, size_t *done, struct trouble *t)
{
	struct read read = {e, offset, buffer, size, 0};
	int rc = reader_run(r, reader_read_step, &read, t);

	if (!rc)
		*done = read.done;
	return rc;
}

struct reader_map_run {
	const struct entry *entry;
	uint64_t offset;
	struct piece piece;
};

static int reader_map_step(struct attempt *a, void *arg)
{
	struct reader_map_run *m = arg;

	return file_map(a, m->entry, m->offset, &m->piece);
}

int reader_map(struct reader *r, const struct entry *e, uint64_t offset, struct piece *out,
	struct trouble *t)
{
	struct reader_map_run map = {e, offset, {0}};
	int rc = reader_run(r, reader_map_step, &map, t);

	if (!rc)
		*out = map.piece;
	return rc;
}
