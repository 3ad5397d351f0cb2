/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/update.h"

#include <fuse_lowlevel.h>
#include <string.h>

#include "cache/attempt_pages.h"
#include "fs/entry_stat.h"
#include "source/source.h"
#include "tree/diff.h"
#include "util/clock.h"

#define PAGE_WAIT (60 * NS_PER_SECOND) /* for what is missing, each time */
#define NOTES_MAX 64		       /* for the kernel, gathered in one attempt */

/* Something that the kernel has to ask for again. */
struct note {
	enum { NOTE_NAME, NOTE_LISTING, NOTE_ATTRIBUTES } kind;
	uint64_t node; /* the directory */
	size_t size;
	char name[NAME_SIZE_MAX + 1]; /* NOTE_NAME */
};

struct update {
	struct filesystem *fs;
	struct fuse_session *fuse;
	struct digest before, after; /* root pages */
	struct page_source pages;    /* of the attempt under way */
	struct tree_told told;
	struct tree_told sent; /* so far the kernel has been told */
	uint64_t changes;      /* since then */
	struct update_told *out;
	uint64_t listing; /* the directory of the last NOTE_LISTING */
	unsigned count;
	struct note notes[NOTES_MAX];
};

/* Has the entry the same node in both revisions? A directory is its path; all else is what
 * it is, so that an open file is of one revision. */
static bool is_carried(const struct entry *before, const struct entry *after)
{
	return (before->type == ENTRY_DIRECTORY && after->type == ENTRY_DIRECTORY) ||
	       entry_same(before, after);
}

static int carry_row(struct update *u, const struct page *page, struct leaf_row *from)
{
	struct entry before, after;
	struct leaf_row to;
	struct place place;
	int rc = page_entry(page, from->row, &before);

	if (!rc)
		rc = tree_find(
			&u->pages, &u->after, before.parent, before.name, &place, &after);
	if (rc || !is_carried(&before, &after))
		return rc == ERR_ABSENT ? 0 : rc;
	to = (struct leaf_row){place.leaf, place.row};
	return node_table_move(u->fs->node_table, from, &to);
}

/* A leaf of the revision of before. */
static int carry_leaf(void *ctx, const struct digest *leaf)
{
	struct update *u = ctx;
	struct leaf_row from = {.leaf = *leaf};
	struct page page;
	int rc;

	if (!node_table_holds(u->fs->node_table, leaf))
		return 0;
	rc = u->pages.page(u->pages.ctx, leaf, &page);
	if (!rc && page.level)
		rc = ERR_CORRUPT;
	for (; !rc && from.row < page.count; from.row++)
		rc = carry_row(u, &page, &from);
	return rc;
}

static int carry_step(struct attempt *a, void *arg)
{
	struct update *u = arg;

	u->pages = attempt_pages(a);
	return tree_diff_leaves(&u->pages, &u->before, &u->after, &u->told, carry_leaf, u);
}

static int bring_leaf(void *ctx, const struct digest *leaf)
{
	(void)ctx, (void)leaf;
	return 0;
}

/* All pages that differ: afterwards nothing is waited for. */
static int bring_step(struct attempt *a, void *arg)
{
	struct update *u = arg;

	u->pages = attempt_pages(a);
	return tree_diff_leaves(&u->pages, &u->before, &u->after, &u->told, bring_leaf, u);
}

struct carry_one {
	struct update *update;
	struct digest leaf;
};

static int carry_one_step(struct attempt *a, void *arg)
{
	struct carry_one *one = arg;

	one->update->pages = attempt_pages(a);
	return carry_leaf(one->update, &one->leaf);
}

static int wait_for(struct update *u, attempt_fn step, void *arg, struct trouble *t)
{
	return source_run(u->fs->source, step, arg, PAGE_WAIT, FETCH_DEMAND, t);
}

/* Those that began to be held in the meantime. */
static int carry_fresh(struct update *u, struct trouble *t)
{
	struct carry_one one = {.update = u};
	int rc = 0;

	while (!rc && node_table_fresh(u->fs->node_table, &one.leaf))
		rc = wait_for(u, carry_one_step, &one, t);
	return rc;
}

/* Until what is held of the revision of before is held of the next, too. */
static int update_take_turn(struct update *u, struct trouble *t)
{
	int rc = wait_for(u, bring_step, u, t);

	if (rc)
		return rc;
	u->told = (struct tree_told){0};
	node_table_watch(u->fs->node_table);
	rc = wait_for(u, carry_step, u, t);
	while (!rc) {
		rc = carry_fresh(u, t);
		if (!rc && node_table_turn(u->fs->node_table))
			break;
	}
	return rc;
}

static struct note *note_add(struct update *u, int kind, uint64_t node)
{
	struct note *n = &u->notes[u->count++];

	n->kind = kind;
	n->node = node;
	return n;
}

static void note_listing(struct update *u, uint64_t directory)
{
	if (directory != u->listing)
		note_add(u, NOTE_LISTING, directory);
	u->listing = directory;
}

static void note_name(struct update *u, uint64_t directory, struct span name)
{
	struct note *n = note_add(u, NOTE_NAME, directory);

	n->size = name.size;
	memcpy(n->name, name.data, name.size);
	n->name[name.size] = '\0';
}

/* The node by which the kernel knows the directory of that revision; ERR_ABSENT: it does
 * not. */
static int find_node(
	struct update *u, const struct digest *root, struct span path, uint64_t *node)
{
	struct place place;
	struct entry e;
	int rc = 0;

	*node = FUSE_ROOT_ID;
	if (path.size)
		rc = tree_find_path(&u->pages, root, path, &place, &e);
	if (path.size && !rc)
		rc = node_table_at(u->fs->node_table, &place.leaf, place.row, node);
	return rc;
}

static int note_directory(
	struct update *u, int kind, const struct digest *root, const struct entry *e)
{
	struct path path;
	uint64_t node;
	int rc = entry_path(e, &path);

	if (!rc)
		rc = find_node(u, root, path_span(&path), &node);
	if (!rc)
		note_add(u, kind, node);
	return rc == ERR_ABSENT ? 0 : rc;
}

/* Where the directory is gone as well, so are the names in it. */
static int note_entry(struct update *u, const struct entry *e, bool listed_otherwise)
{
	uint64_t directory;
	int rc = find_node(u, &u->after, e->parent, &directory);

	if (rc)
		return rc == ERR_ABSENT ? 0 : rc;
	if (e->name.size == 0 || e->name.size > NAME_SIZE_MAX)
		return ERR_CORRUPT;
	if (listed_otherwise)
		note_listing(u, directory);
	note_name(u, directory, e->name);
	return 0;
}

/* The kernel's listings have names, types and inode numbers. */
static bool is_listed_alike(const struct entry *before, const struct entry *after)
{
	return before && after && before->type == after->type &&
	       before->links == after->links;
}

/* Who stands in a directory that went finds it empty. */
static int note_removed_directory(
	struct update *u, const struct entry *before, const struct entry *after)
{
	if (before->type != ENTRY_DIRECTORY || (after && after->type == ENTRY_DIRECTORY))
		return 0;
	return note_directory(u, NOTE_LISTING, &u->before, before);
}

static int note_change(void *ctx, enum tree_change change, const struct entry *before,
	const struct entry *after)
{
	struct update *u = ctx;
	int rc;

	if (change == TREE_CHANGED && is_carried(before, after))
		rc = note_directory(u, NOTE_ATTRIBUTES, &u->after, after);
	else
		rc = note_entry(u, after ? after : before, !is_listed_alike(before, after));
	if (!rc && change != TREE_ADDED)
		rc = note_removed_directory(u, before, after);
	if (rc == ERR_PENDING) { /* it has to be heard of again */
		u->told.before -= before != NULL;
		u->told.after -= after != NULL;
		return rc;
	}
	u->changes++;
	return rc ? rc : u->count + 3 > NOTES_MAX;
}

static void notes_done(struct update *u)
{
	u->sent = u->told;
	u->out->changes += u->changes;
	u->changes = 0;
}

static int note_step(struct attempt *a, void *arg)
{
	struct update *u = arg;
	int rc;

	/* What an attempt in vain has noted is not sent. */
	u->told = u->sent;
	u->changes = 0;
	u->count = 0;
	u->listing = 0;
	u->pages = attempt_pages(a);
	rc = tree_diff(&u->pages, &u->before, &u->after, &u->told, note_change, u);
	if (rc == ERR_PENDING && u->count)
		return 1;
	if (rc == ERR_PENDING)
		notes_done(u);
	return rc;
}

/* What the kernel does not know it has forgotten. */
static void send_note(struct update *u, const struct note *n)
{
	switch (n->kind) {
	case NOTE_NAME:
		fuse_lowlevel_notify_inval_entry(u->fuse, n->node, n->name, n->size);
		u->out->names++;
		break;
	case NOTE_LISTING:
		fuse_lowlevel_notify_inval_inode(u->fuse, n->node, 0, 0);
		u->out->directories++;
		break;
	case NOTE_ATTRIBUTES:
		fuse_lowlevel_notify_inval_inode(u->fuse, n->node, -1, 0);
		u->out->directories++;
		break;
	}
}

static int tell_kernel(struct update *u, struct trouble *t)
{
	int rc;

	do {
		rc = wait_for(u, note_step, u, t);
		for (unsigned i = 0; i < u->count; i++)
			send_note(u, &u->notes[i]);
		u->count = 0;
		if (rc == 0 || rc == 1)
			notes_done(u);
	} while (rc == 1);
	u->fs->untold = (struct untold){rc != 0, u->before, u->after, u->sent};
	return rc;
}

/* Else the pages are gone for good, as those of a pruned revision are, and no later update
 * may wait for them. */
static bool may_pass(int rc)
{
	return rc == ERR_UNREACHABLE || rc == ERR_TIMEOUT || rc == ERR_INTERRUPTED ||
	       rc == ERR_NO_MEMORY || rc == ERR_BUSY;
}

int update_finish(struct filesystem *fs, struct fuse_session *fuse,
	struct update_told *told, struct trouble *t)
{
	struct update u = {
		.fs = fs,
		.fuse = fuse,
		.before = fs->untold.before,
		.after = fs->untold.after,
		.sent = fs->untold.sent,
		.out = told,
	};

	int rc;

	*told = (struct update_told){0};
	rc = fs->untold.any ? tell_kernel(&u, t) : 0;
	if (rc && !may_pass(rc))
		fs->untold.any = false;
	return rc;
}

static int update_to(struct filesystem *fs, struct fuse_session *fuse,
	const struct manifest *next, struct update_told *told, struct trouble *t)
{
	struct update u = {
		.fs = fs,
		.fuse = fuse,
		.before = filesystem_root(fs),
		.after = next->root,
		.out = told,
	};
	const struct view *last;
	struct view *view;
	int rc = filesystem_check_attributes(fs, next, t);

	if (!rc)
		rc = update_finish(fs, fuse, told, t);
	*told = (struct update_told){0};
	if (rc)
		return rc;
	view = views_next(&fs->views, next);
	if (!view)
		return trouble_set(t, ERR_NO_MEMORY, "out of memory");
	rc = update_take_turn(&u, t);
	if (rc) {
		node_table_settle(fs->node_table);
		views_drop(view);
		return rc;
	}
	views_change(&fs->views, view, &last);
	told->shown = true;
	views_wait(&fs->views, last);
	node_table_settle(fs->node_table);
	return tell_kernel(&u, t);
}

int update_run(struct filesystem *fs, struct fuse_session *fuse,
	const struct manifest *next, struct update_told *told, struct trouble *t)
{
	int rc;

	atomic_store(&fs->xattrs_coming, next->totals.xattrs > 0);
	rc = update_to(fs, fuse, next, told, t);
	atomic_store(&fs->xattrs_coming, false);
	return rc;
}
