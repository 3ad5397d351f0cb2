/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "publish/attributes.h"
#include "publish/item.h"

struct item *item_new(struct span parent, struct span name, const char *path, size_t size)
{
	struct item *item = calloc(1, sizeof *item + size + 1);
	const uint8_t *copy;

	if (!item)
		return NULL;
	memcpy(item->path, path, size);
	item->path_size = size;
	copy = (const uint8_t *)item->path;
	item->entry.parent = span_of(copy, parent.size);
	item->entry.name = span_of(copy + (size - name.size), name.size);
	return item;
}

void item_free(struct item *item)
{
	if (!item)
		return;
	bytes_release(&item->xattrs);
	bytes_release(&item->target);
	bytes_release(&item->extents);
	bytes_release(&item->list);
	free(item);
}

size_t item_size(const struct item *item)
{
	return sizeof *item + item->path_size + 1 + item->xattrs.capacity +
	       item->target.capacity;
}

/* Keeps what is about the item, and returns what is not. */
static int item_fail(struct item *item, int rc, const char *why)
{
	if (!content_is_failure(rc))
		return rc;
	item->rc = rc;
	item->why = why;
	return 0;
}

static int read_xattrs(
	struct item *item, int dirfd, const char *name, const struct overrides *o)
{
	int rc;

	bytes_clear(&item->xattrs);
	rc = attributes_xattrs(dirfd, name, &item->xattrs);
	if (!rc)
		rc = overrides_apply_xattrs(o, &item->xattrs);
	item->entry.xattrs = span_of_bytes(&item->xattrs);
	return rc;
}

static int read_target(struct item *item, int dirfd, const char *name)
{
	int rc;

	bytes_clear(&item->target);
	rc = attributes_target(dirfd, name, &item->target);
	item->entry.target = span_of_bytes(&item->target);
	item->entry.size = item->target.size;
	return rc;
}

/* What was read by name in several steps belongs together only if the name led to the same
 * file in the same state all the while. A file's content has a check of its own. */
static int item_check_same(const struct item *item, int dirfd, const char *name)
{
	struct stat now;

	if (item->xattrs.size == 0 && item->entry.type != ENTRY_SYMLINK)
		return 0;
	if (name[0] == '\0' ? fstat(dirfd, &now)
			    : fstatat(dirfd, name, &now, AT_SYMLINK_NOFOLLOW))
		return error_from_errno(errno);
	return attributes_unchanged(&item->st, &now) ? 0 : ERR_CHANGED;
}

static int read_attributes_once(
	struct item *item, const struct walk_entry *e, const struct overrides *o)
{
	const char *name = (const char *)e->name.data;
	int rc = attributes_stat(&item->st, &item->entry);

	if (rc)
		return item_fail(item, rc, "it is of a kind that cannot be published");
	overrides_apply(o, &item->entry);
	if (e->hidden)
		return 0;
	rc = read_xattrs(item, e->dirfd, name, o);
	if (rc)
		return item_fail(item, rc,
			rc == ERR_LIMIT ? "its extended attributes are too large" : NULL);
	if (item->entry.type == ENTRY_SYMLINK)
		rc = read_target(item, e->dirfd, name);
	if (!rc)
		rc = item_check_same(item, e->dirfd, name);
	return rc ? item_fail(item, rc, NULL) : 0;
}

int item_read_attributes(
	struct item *item, const struct walk_entry *e, const struct overrides *o)
{
	int rc = read_attributes_once(item, e, o);

	for (int i = 1; !rc && item->rc && i < CONTENT_TRIES; i++) {
		const char *name = (const char *)e->name.data;

		if (item->rc == ERR_ABSENT || item->rc == ERR_DENIED ||
			item->rc == ERR_LIMIT || item->rc == ERR_UNSUPPORTED)
			break;
		if (name[0] == '\0'
				? fstat(e->dirfd, &item->st)
				: fstatat(e->dirfd, name, &item->st, AT_SYMLINK_NOFOLLOW))
			return item_fail(item, error_from_errno(errno), NULL);
		if (S_ISDIR(item->st.st_mode) != S_ISDIR(e->st.st_mode))
			break; /* the walk cannot enter it any more, or has nothing to */
		item->rc = 0;
		item->why = NULL;
		rc = read_attributes_once(item, e, o);
	}
	return rc;
}

void item_read_type(struct item *item)
{
	if (attributes_stat(&item->st, &item->entry))
		item_fail(
			item, ERR_UNSUPPORTED, "it is of a kind that cannot be published");
}

int item_refresh(
	struct item *item, const struct content *c, const struct overrides *o, bool *again)
{
	int rc;

	*again = !attributes_unchanged(&item->st, &c->st);
	if (!*again)
		return 0;
	rc = read_xattrs(item, c->fd, "", o);
	if (!rc)
		rc = attributes_stat(&c->st, &item->entry);
	if (rc)
		return rc;
	overrides_apply(o, &item->entry);
	item->st = c->st;
	return 0;
}

int item_set_content(struct item *item, const struct content *c,
	const struct extents_made *runs, const struct digest *content)
{
	struct entry *e = &item->entry;

	bytes_clear(&item->extents);
	if (runs->count > 0 && bytes_append(&item->extents, runs->extents,
				       (size_t)runs->count * EXTENT_RECORD_SIZE))
		return ERR_NO_MEMORY;
	e->size = (uint64_t)c->st.st_size;
	e->has_content = runs->size > 0;
	e->content = *content;
	e->extent_count = runs->count;
	e->extents = item->extents.data;
	e->run_list = runs->list;
	return 0;
}
