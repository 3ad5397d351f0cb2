/* SPDX-License-Identifier: MIT */
#include <config.h>

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

/*
 * Where a listing goes on is an entry of a view: it ends with what it began with, whatever
 * is shown by then. Up to the first update the offsets are small numbers.
 */
#define OFFSET_BITS 40
#define TURN_MASK ((UINT64_C(1) << (63 - OFFSET_BITS)) - 1)

/* A listing under way. */
struct listing {
	struct request *request;
	struct request_try *try;
	struct digest root; /* page */
	struct span path;   /* of the directory */
	bool plus;
	bool past;	 /* the view that it began in is gone: no nodes are given out */
	uint64_t turn;	 /* of that view */
	uint64_t offset; /* of the next entry */
};

static off_t next_offset(const struct listing *l)
{
	return (off_t)((l->turn & TURN_MASK) << OFFSET_BITS | (l->offset + 1));
}

/* Offset 0 begins. One that began too long ago goes on in what is shown now. */
static void find_view(struct listing *l, uint64_t offset)
{
	const struct view *view = l->try->view;
	uint64_t back = (view->turn - (offset >> OFFSET_BITS)) & TURN_MASK;

	l->offset = offset & ((UINT64_C(1) << OFFSET_BITS) - 1);
	l->turn = view->turn;
	l->root = view->root;
	l->past = offset && back && back <= view->turn &&
		  views_past(&l->request->fs->views, view, view->turn - back, &l->root);
	if (l->past)
		l->turn -= back;
}

static const struct request_kind readdirplus_kind;

/* False: the buffer is full. */
static bool listing_put(struct listing *l, const char *name, struct fuse_entry_param *entry)
{
	struct answer *a = &l->try->answer;
	char *at = (char *)l->try->buffer + a->size;
	size_t room = l->request->size - a->size;
	size_t need;

	if (l->plus)
		need = fuse_add_direntry_plus(
			l->request->fuse, at, room, name, entry, next_offset(l));
	else
		need = fuse_add_direntry(
			l->request->fuse, at, room, name, &entry->attr, next_offset(l));
	if (need > room)
		return false;
	a->size += need;
	l->offset++;
	return true;
}

/* Without the buffer's say no lookup may be handed out, so the room is asked for first. */
static bool listing_fits(const struct listing *l, const char *name)
{
	size_t room = l->request->size - l->try->answer.size;
	size_t need;

	if (l->plus)
		need = fuse_add_direntry_plus(l->request->fuse, NULL, 0, name, NULL, 0);
	else
		need = fuse_add_direntry(l->request->fuse, NULL, 0, name, NULL, 0);
	return need <= room;
}

/* Returns 1 at the end of the directory or of the buffer. */
static int listing_each(void *ctx, const struct place *place, const struct entry *e)
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
	if (!listing_fits(l, name))
		return 1;
	request_try_param(l->request, e, &entry);
	if (l->plus && !l->past &&
		request_try_hold(l->request, l->try, &place->leaf, place->row, &entry))
		return 1;
	listing_put(l, name, &entry);
	return 0;
}

/* The kernel makes no node of "." and "..", but shows their inode numbers. */
static int listing_put_dots(struct listing *l, const struct entry *self)
{
	struct fuse_entry_param entry;
	struct entry parent;
	struct place place;
	int rc;

	if (l->offset == 0) {
		request_try_param(l->request, self, &entry);
		if (!listing_put(l, ".", &entry))
			return 1;
	}
	if (l->offset == 1) {
		rc = tree_find_path(
			&l->try->pages, &l->root, self->parent, &place, &parent);
		if (rc && rc != ERR_ABSENT)
			return rc;
		request_try_param(l->request, rc ? self : &parent, &entry);
		if (!listing_put(l, "..", &entry))
			return 1;
	}
	return 0;
}

/* The rank of the directory's first entry. */
static int find_first(struct listing *l, const struct digest *root, uint64_t *out)
{
	static const struct span empty = {NULL, 0};
	uint64_t first;
	int rc = tree_rank(&l->try->pages, root, l->path, empty, &first);

	if (rc)
		return rc;
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
static void listing_hint_ahead(struct listing *l, const struct digest *root, uint64_t rank)
{
	struct request *r = l->request;
	struct run *run = entries_ahead(r, rank);
	uint64_t end = run->start + run->size;

	if (run->size == 0)
		return;
	run->start = tree_hint(&l->try->pages, root, run->start, end, HINTS_MAX);
	run->size = end - run->start;
	if (run->size == 0)
		return;
	pthread_mutex_lock(&r->fs->readahead_mtx);
	readahead_take_back(&r->fs->listing, run->start, end);
	pthread_mutex_unlock(&r->fs->readahead_mtx);
}

static int listing_walk(struct listing *l)
{
	const struct digest *root = &l->root;
	uint64_t rank;
	int rc = find_first(l, root, &rank);

	if (rc)
		return rc;
	rank += l->offset - DOTS;
	rc = tree_walk(&l->try->pages, root, rank, 0, listing_each, l);
	listing_hint_ahead(l, root, rank);
	return rc == 1 ? 0 : rc;
}

static int listing_fill(struct listing *l, const struct entry *self)
{
	int rc = 0;

	if (l->offset < DOTS)
		rc = listing_put_dots(l, self);
	if (rc)
		return rc == 1 ? 0 : rc;
	return listing_walk(l);
}

static int listing_step(struct request *r, struct request_try *t)
{
	struct listing l = {.request = r, .try = t, .plus = r->kind == &readdirplus_kind};
	struct path path;
	struct entry e;
	int rc;

	find_view(&l, r->offset);
	t->answer.kind = ANSWER_BYTES;
	t->answer.size = 0;
	rc = request_try_entry(r, t, &e);
	if (!rc)
		rc = entry_path(&e, &path);
	if (rc)
		return rc;
	l.path = path_span(&path);
	rc = listing_fill(&l, &e);
	/* Some entries now are better than all of them later: what comes next, or its
	 * trouble, is the next request's. */
	if (rc && t->answer.size > 0) {
		request_try_hint_wants(t);
		return 0;
	}
	return rc;
}

static const struct request_kind readdir_kind = {.name = "readdir",
	.meter = METER_READDIR,
	.step = listing_step,
	.asks = ASKS_LISTING};
static const struct request_kind readdirplus_kind = {.name = "readdirplus",
	.meter = METER_READDIRPLUS,
	.step = listing_step,
	.asks = ASKS_LISTING_PLUS};

static void listing_start(fuse_req_t fuse, fuse_ino_t node, const struct request_kind *kind,
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
	listing_start(fuse, node, &readdir_kind, size, offset);
}

void listing_read_plus(fuse_req_t fuse, fuse_ino_t node, size_t size, off_t offset,
	struct fuse_file_info *fi)
{
	(void)fi;
	listing_start(fuse, node, &readdirplus_kind, size, offset);
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
