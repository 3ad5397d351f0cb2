/* SPDX-License-Identifier: MIT */
#include "fs/listing.h"

#include <errno.h>
#include <string.h>

#include "fs/entry_stat.h"
#include "fs/filesystem.h"
#include "fs/request_run.h"
#include "fs/request_try.h"

#define DOTS 2		       /* "." and ".." come first */
#define LEAF_ENTRIES 256       /* about what a leaf holds; only a measure for hints */
#define AHEAD_LEAVES HINTS_MAX /* hinted at most before a sequential listing */

/* A listing under way. */
struct listing {
	struct request *request;
	struct request_try *trial;
	struct span path; /* of the directory */
	bool plus;
	uint64_t offset; /* of the next entry */
};

static const struct request_kind plain, plus;

/* False: the buffer is full. */
static bool put(struct listing *l, const char *name, struct fuse_entry_param *entry)
{
	struct answer *a = &l->trial->answer;
	char *at = (char *)l->trial->buffer + a->size;
	size_t room = l->request->size - a->size;
	size_t need;

	if (l->plus)
		need = fuse_add_direntry_plus(
			l->request->fuse, at, room, name, entry, (off_t)l->offset + 1);
	else
		need = fuse_add_direntry(l->request->fuse, at, room, name, &entry->attr,
			(off_t)l->offset + 1);
	if (need > room)
		return false;
	a->size += need;
	l->offset++;
	return true;
}

/* Without the buffer's say no lookup may be handed out, so the room is asked for first. */
static bool fits(const struct listing *l, const char *name)
{
	size_t room = l->request->size - l->trial->answer.size;
	size_t need;

	if (l->plus)
		need = fuse_add_direntry_plus(l->request->fuse, NULL, 0, name, NULL, 0);
	else
		need = fuse_add_direntry(l->request->fuse, NULL, 0, name, NULL, 0);
	return need <= room;
}

/* Returns 1 at the end of the directory or of the buffer. */
static int each(void *ctx, const struct place *place, const struct entry *e)
{
	struct listing *l = ctx;
	struct fuse_entry_param entry;
	char name[NAME_SIZE_MAX + 1];

	if (!span_equal(e->parent, l->path))
		return 1;
	if (e->name.size == 0 || e->name.size > NAME_SIZE_MAX)
		return ERR_CORRUPT;
	memcpy(name, e->name.data, e->name.size);
	name[e->name.size] = '\0';
	if (!fits(l, name))
		return 1;
	entry_param(e, &entry);
	if (l->plus &&
		request_try_hold(l->request, l->trial, &place->leaf, place->row, &entry))
		return 1;
	put(l, name, &entry);
	return 0;
}

/* The kernel makes no node of "." and "..", but shows their inode numbers. */
static int put_dots(struct listing *l, const struct entry *self)
{
	struct fuse_entry_param entry;
	struct entry parent;
	struct place place;
	struct digest root = filesystem_root(l->request->fs);
	int err;

	if (l->offset == 0) {
		entry_param(self, &entry);
		if (!put(l, ".", &entry))
			return 1;
	}
	if (l->offset == 1) {
		err = tree_find_path(
			&l->trial->pages, &root, self->parent, &place, &parent);
		if (err && err != ERR_ABSENT)
			return err;
		entry_param(err ? self : &parent, &entry);
		if (!put(l, "..", &entry))
			return 1;
	}
	return 0;
}

/* The rank of the directory's first entry. */
static int find_first(struct listing *l, const struct digest *root, uint64_t *out)
{
	static const struct span empty = {NULL, 0};
	uint64_t first;
	int err = tree_rank(&l->trial->pages, root, l->path, empty, &first);

	if (err)
		return err;
	/* The root itself is the entry of parent "" and name "". */
	*out = l->path.size ? first : first + 1;
	return 0;
}

/* What should be fetched ahead: nothing until listings are seen to follow each other in the
 * tree's order, as `find` makes them. Asked once per request, however often it is tried. */
static struct run *entries_ahead(struct request *r, uint64_t rank)
{
	static const struct readahead_limits limits = {
		.slack = LEAF_ENTRIES,
		.first = 2 * LEAF_ENTRIES,
		.most = AHEAD_LEAVES * LEAF_ENTRIES,
	};
	struct run *run = &r->ahead;

	if (run->start == 0) {
		pthread_mutex_lock(&r->fs->readahead_mtx);
		*run = readahead_note(&r->fs->listing, &limits, rank, 1).run;
		pthread_mutex_unlock(&r->fs->readahead_mtx);
		if (run->start == 0)
			run->start = rank;
	}
	return run;
}

/* Where the pages that lead to the rest are not here yet, a later request goes on. */
static void hint_ahead(struct listing *l, const struct digest *root, uint64_t rank)
{
	struct request *r = l->request;
	struct run *run = entries_ahead(r, rank);
	uint64_t end = run->start + run->size;

	if (run->size == 0)
		return;
	run->start = tree_hint(&l->trial->pages, root, run->start, end, HINTS_MAX);
	run->size = end - run->start;
	if (run->size == 0)
		return;
	pthread_mutex_lock(&r->fs->readahead_mtx);
	readahead_take_back(&r->fs->listing, run->start, end);
	pthread_mutex_unlock(&r->fs->readahead_mtx);
}

static int walk(struct listing *l)
{
	struct digest root = filesystem_root(l->request->fs);
	uint64_t rank;
	int err = find_first(l, &root, &rank);

	if (err)
		return err;
	rank += l->offset - DOTS;
	err = tree_walk(&l->trial->pages, &root, rank, 0, each, l);
	hint_ahead(l, &root, rank);
	return err == 1 ? 0 : err;
}

static int fill(struct listing *l, const struct entry *self)
{
	int err = 0;

	if (l->offset < DOTS)
		err = put_dots(l, self);
	if (err)
		return err == 1 ? 0 : err;
	return walk(l);
}

static int step(struct request *r, struct request_try *t)
{
	struct listing l = {
		.request = r, .trial = t, .offset = r->offset, .plus = r->kind == &plus};
	struct path path;
	struct entry e;
	int err;

	t->answer.kind = ANSWER_BYTES;
	t->answer.size = 0;
	err = request_try_entry(r, t, &e);
	if (!err)
		err = entry_path(&e, &path);
	if (err)
		return err;
	l.path = path_span(&path);
	err = fill(&l, &e);
	/* Some entries now are better than all of them later: what comes next, or its
	 * trouble, is the next request's. */
	if (err && t->answer.size > 0) {
		request_try_hint_wants(t);
		return 0;
	}
	return err;
}

static const struct request_kind plain = {.name = "readdir", .step = step};
static const struct request_kind plus = {.name = "readdirplus", .step = step};

static void start(fuse_req_t fuse, fuse_ino_t node, const struct request_kind *kind,
	size_t size, off_t offset)
{
	struct request r = {
		.kind = kind,
		.offset = (uint64_t)offset,
		.size = size < BUFFER_SIZE ? size : BUFFER_SIZE,
	};

	if (offset < 0)
		fuse_reply_err(fuse, EINVAL);
	else
		request_run(&r, fuse, node);
}

void listing_read(fuse_req_t fuse, fuse_ino_t node, size_t size, off_t offset,
	struct fuse_file_info *fi)
{
	(void)fi; /* there may be none */
	start(fuse, node, &plain, size, offset);
}

void listing_read_plus(fuse_req_t fuse, fuse_ino_t node, size_t size, off_t offset,
	struct fuse_file_info *fi)
{
	(void)fi;
	start(fuse, node, &plus, size, offset);
}

void listing_open(fuse_req_t fuse, fuse_ino_t node, struct fuse_file_info *fi)
{
	const struct filesystem *fs = fuse_req_userdata(fuse);

	(void)node;
	if (fs->elides_opendir) {
		fuse_reply_err(fuse, ENOSYS); /* nor will it ask for any other */
		return;
	}
	fi->cache_readdir = 1;
	fi->keep_cache = 1;
	fuse_reply_open(fuse, fi);
}
