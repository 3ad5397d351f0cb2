/* SPDX-License-Identifier: MIT */
#include "cli/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/size.h"
#include "cache/attempt_pages.h"
#include "format/page_packer.h"
#include "util/clock.h"
#include "util/home.h"

#define WALK_BATCH 128 /* entries copied out of the pages at a time */
#define WALK_AHEAD 16  /* leaves asked for before they are reached */

int reader_open_cache(struct reader *r, const struct reader_options *o, struct trouble *t)
{
	struct cache_options options = {
		.log = r->log,
		.set_quota = o->set_quota,
		.quota = o->quota,
		.floor = o->floor,
	};
	char *own = NULL;
	int err;

	if (!o->cache)
		own = home_cache_directory();
	options.directory = o->cache ? o->cache : own;
	if (!options.directory)
		return trouble_set(t, ERR_NO_MEMORY, "out of memory");
	err = cache_open(&options, &r->cache, t);
	free(own);
	return err;
}

static void say_pinned(const struct dataset *d)
{
	char key[PUBLIC_KEY_TEXT_SIZE];

	public_key_to_text(&d->key, key);
	fprintf(stderr,
		"cairn: %s is new here: from now on only revisions signed by\n"
		"cairn:   %s\n"
		"cairn: are accepted for it (compare with the publisher's `cairn key "
		"show`).\n",
		d->url, key);
}

int reader_open(struct reader *r, const struct reader_options *o, struct log *log,
	struct trouble *t)
{
	struct engine_options engine;
	int level = LOG_LEVEL_WARNING + o->verbose;
	int err;

	memset(r, 0, sizeof *r);
	r->log = log ? log
		     : log_new_stderr(level > LOG_LEVEL_DEBUG ? LOG_LEVEL_DEBUG
							      : (enum log_level)level);
	r->deadline_ns = o->dataset.deadline_ns;
	err = credentials_check(&o->credentials, t);
	if (!err)
		err = reader_open_cache(r, o, t);
	if (err)
		goto out;
	engine = (struct engine_options){
		.cache = r->cache,
		.log = r->log,
		.credentials = &o->credentials,
		.memory = o->memory,
	};
	err = engine_new(&engine, &r->engine, t);
	if (!err)
		err = dataset_open(r->engine, &o->dataset, &r->dataset, t);
	if (!err && r->dataset->newly_pinned)
		say_pinned(r->dataset);
out:
	if (err)
		reader_close(r);
	return err;
}

void reader_close(struct reader *r)
{
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

char *reader_path(const char *text, struct trouble *t)
{
	struct bytes out = {0};
	char *path;

	while (*text) {
		size_t n = strcspn(text, "/");
		int err = 0;

		if (n == 2 && memcmp(text, "..", 2) == 0) {
			bytes_release(&out);
			trouble_set(t, ERR_INVALID, "a path may not contain '..'");
			return NULL;
		}
		if (n && !(n == 1 && *text == '.')) {
			if (out.size)
				err = bytes_append(&out, "/", 1);
			if (!err)
				err = bytes_append(&out, text, n);
		}
		if (err) {
			bytes_release(&out);
			trouble_set(t, err, "out of memory");
			return NULL;
		}
		text += n + (text[n] == '/');
	}
	if (out.size > PATH_SIZE_MAX) {
		bytes_release(&out);
		trouble_set(
			t, ERR_INVALID, "a path is at most %d bytes long", PATH_SIZE_MAX);
		return NULL;
	}
	path = span_to_string(span_of_bytes(&out));
	bytes_release(&out);
	if (!path)
		trouble_set(t, ERR_NO_MEMORY, "out of memory");
	return path;
}

void entry_copy_release(struct entry_copy *c)
{
	bytes_release(&c->packed);
	memset(c, 0, sizeof *c);
}

int entry_copy(const struct entry *e, struct entry_copy *out)
{
	struct page_packer *packer = page_packer_new(0);
	struct page page;
	struct entry_copy copy = {0};
	int err = packer ? page_packer_entry(packer, e) : ERR_NO_MEMORY;

	if (!err)
		err = page_packer_finish(packer, &copy.packed);
	if (!err)
		err = page_view(span_of_bytes(&copy.packed), &page);
	if (!err)
		err = page_entry(&page, 0, &copy.entry);
	page_packer_free(packer);
	if (err)
		entry_copy_release(&copy);
	else
		*out = copy;
	return err;
}

struct find {
	const struct digest *root;
	struct span path;
	struct entry_copy *out;
	uint64_t *rank;
	bool no_name; /* what is absent is the name, not a blob */
};

static int find_step(struct attempt *a, void *arg)
{
	struct find *f = arg;
	struct page_source pages = attempt_pages(a);
	struct place place;
	struct entry entry;
	int err = tree_find_path(&pages, f->root, f->path, &place, &entry);

	if (!err)
		err = entry_copy(&entry, f->out);
	if (!err && f->rank)
		*f->rank = place.rank;
	f->no_name = err == ERR_ABSENT;
	return err;
}

int reader_find(struct reader *r, const char *path, struct entry_copy *out, uint64_t *rank,
	struct trouble *t)
{
	struct find f = {
		&r->dataset->manifest->root, span_of_string(path), out, rank, false};
	int err = source_run(
		r->dataset->source, find_step, &f, r->deadline_ns, FETCH_DEMAND, t);

	if (f.no_name)
		trouble_set(t, err, "%s: there is no '%s' in revision %llu",
			r->dataset->url, path,
			(unsigned long long)r->dataset->manifest->revision);
	return err;
}

struct walk {
	const struct digest *root;
	uint64_t rank, end;
	struct entry_copy batch[WALK_BATCH];
	unsigned count;
};

static int walk_each(void *ctx, const struct place *place, const struct entry *e)
{
	struct walk *w = ctx;
	int err;

	if (place->rank >= w->end || w->count == WALK_BATCH)
		return 1;
	err = entry_copy(e, &w->batch[w->count]);
	if (!err)
		w->count++;
	return err;
}

/* What was copied before a page was found missing is kept: that is progress too. */
static int walk_step(struct attempt *a, void *arg)
{
	struct walk *w = arg;
	struct page_source pages = attempt_pages(a);
	int err = tree_walk(&pages, w->root, w->rank, WALK_AHEAD, walk_each, w);

	if (err == 1 || (err == ERR_PENDING && w->count > 0))
		err = 0;
	return err;
}

int reader_walk(struct reader *r, uint64_t first, uint64_t end, reader_each_fn each,
	void *ctx, struct trouble *t)
{
	struct walk *w = calloc(1, sizeof *w);
	int err = 0;

	if (!w)
		return trouble_set(t, ERR_NO_MEMORY, "out of memory");
	w->root = &r->dataset->manifest->root;
	w->rank = first;
	w->end = end;
	while (!err && w->rank < end) {
		err = source_run(
			r->dataset->source, walk_step, w, r->deadline_ns, FETCH_DEMAND, t);
		if (!err && w->count == 0)
			break;
		for (unsigned i = 0; i < w->count; i++) {
			if (!err)
				err = each(ctx, &w->batch[i].entry, w->rank + i, t);
			entry_copy_release(&w->batch[i]);
		}
		w->rank += w->count;
		w->count = 0;
	}
	free(w);
	return err;
}

struct subtree {
	const struct digest *root;
	struct span path;
	uint64_t first, end;
};

static int subtree_step(struct attempt *a, void *arg)
{
	struct subtree *s = arg;
	struct page_source pages = attempt_pages(a);

	return tree_subtree(&pages, s->root, s->path, &s->first, &s->end);
}

int reader_subtree(struct reader *r, const char *path, uint64_t *first, uint64_t *end,
	struct trouble *t)
{
	struct subtree s = {&r->dataset->manifest->root, span_of_string(path), 0, 0};
	int err = source_run(
		r->dataset->source, subtree_step, &s, r->deadline_ns, FETCH_DEMAND, t);

	if (!err) {
		*first = s.first;
		*end = s.end;
	}
	return err;
}

struct read {
	const struct entry *entry;
	uint64_t offset;
	uint8_t *buffer;
	size_t size, done;
};

static int read_step(struct attempt *a, void *arg)
{
	struct read *r = arg;

	return attempt_read_file(a, r->entry, r->offset, r->buffer, r->size, &r->done);
}

int reader_read(struct reader *r, const struct entry *e, uint64_t offset, void *buffer,
	size_t size, size_t *done, struct trouble *t)
{
	struct read read = {e, offset, buffer, size, 0};
	int err = source_run(
		r->dataset->source, read_step, &read, r->deadline_ns, FETCH_DEMAND, t);

	if (!err)
		*done = read.done;
	return err;
}
