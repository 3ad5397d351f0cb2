/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/dot_cairn_list.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fs/dot_cairn_bring.h"
#include "fs/filesystem.h"
#include "fs/request_end.h"

#define DOTS 2 /* "." and ".." come first */

/* A listing under way. */
struct dots {
	struct request *request;
	uint8_t *buffer;
	size_t size;
};

/* `next` is the offset behind it. False: the buffer is full. */
static bool dots_put(
	struct dots *l, const char *name, mode_t type, uint64_t inode, uint64_t next)
{
	struct fuse_entry_param entry = {.attr = {.st_ino = inode, .st_mode = type}};
	char *at = (char *)l->buffer + l->size;
	size_t room = l->request->size - l->size, need;

	/* Without a node: it tells the type, and no more. */
	if (l->request->kind->asks == ASKS_LISTING_PLUS)
		need = fuse_add_direntry_plus(
			l->request->fuse, at, room, name, &entry, (off_t)next);
	else
		need = fuse_add_direntry(
			l->request->fuse, at, room, name, &entry.attr, (off_t)next);
	if (need > room)
		return false;
	l->size += need;
	return true;
}

static bool dots_put_dots(struct dots *l, uint64_t number)
{
	uint64_t self = dot_cairn_node(number), top = dot_cairn_node(DOT_CAIRN_TOP);

	if (l->request->offset < 1 && !dots_put(l, ".", S_IFDIR, self, 1))
		return false;
	return l->request->offset >= DOTS || dots_put(l, "..", S_IFDIR, top, DOTS);
}

static void dots_put_top(struct dots *l)
{
	if (l->request->offset <= DOTS &&
		!dots_put(l, "revisions", S_IFDIR, dot_cairn_node(DOT_CAIRN_REVISIONS),
			DOTS + 1))
		return;
	if (l->request->offset <= DOTS + 1)
		dots_put(l, "tags", S_IFDIR, dot_cairn_node(DOT_CAIRN_TAGS), DOTS + 2);
}

/* The offset behind a revision follows from its number, whatever the range becomes. */
static void dots_put_revisions(struct dots *l)
{
	struct revision_range range = revision_names_range(
		&l->request->fs->dot_cairn->names);
	uint64_t at = l->request->offset > DOTS ? l->request->offset - DOTS + 1 : 1;
	char name[24];

	for (at = at < range.oldest ? range.oldest : at; at <= range.newest; at++) {
		snprintf(name, sizeof name, "%llu", (unsigned long long)at);
		if (!dots_put(l, name, S_IFDIR, retained_root_inode(at), at + DOTS))
			return;
	}
}

static void dots_put_tags(struct dots *l)
{
	uint64_t at = l->request->offset > DOTS ? l->request->offset - DOTS : 0;
	struct tag_link link;

	for (; revision_names_link(&l->request->fs->dot_cairn->names, at, &link); at++)
		if (link.current &&
			!dots_put(l, link.tag, S_IFLNK,
				dot_cairn_node(DOT_CAIRN_LINKS + at), at + DOTS + 1))
			return;
}

void dot_cairn_list(struct request *r, uint64_t number)
{
	struct dots l = {.request = r, .buffer = buffers_get(&r->fs->buffers)};

	if (!l.buffer) {
		request_end(r, ERR_NO_MEMORY, NULL);
		fuse_reply_err(r->fuse, ENOMEM);
		return;
	}
	if (dots_put_dots(&l, number)) {
		if (number == DOT_CAIRN_TOP)
			dots_put_top(&l);
		else if (number == DOT_CAIRN_REVISIONS)
			dots_put_revisions(&l);
		else if (number == DOT_CAIRN_TAGS)
			dots_put_tags(&l);
	}
	request_end(r, 0, NULL);
	fuse_reply_buf(r->fuse, (const char *)l.buffer, l.size);
	buffers_put(&r->fs->buffers, l.buffer);
}

uint64_t dot_cairn_state(struct filesystem *fs)
{
	struct revision_range range = revision_names_range(&fs->dot_cairn->names);
	uint64_t links = 0;
	struct tag_link l;

	while (revision_names_link(&fs->dot_cairn->names, links, &l))
		links++;
	return (range.oldest * 31 + range.newest) * 31 + links;
}
