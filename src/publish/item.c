/* SPDX-License-Identifier: MIT */
#include <config.h>

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

int item_read_attributes(struct item *item, const struct walk_entry *e, const char *source,
	struct trouble *t)
{
	const char *name = (const char *)e->name.data;
	int rc = attributes_stat(&e->st, &item->entry);

	if (rc)
		return trouble_set(t, rc,
			"'%s' in %s is of a kind that cannot be published", e->path,
			source);
	rc = attributes_xattrs(e->dirfd, name, &item->xattrs);
	if (rc == ERR_LIMIT)
		return trouble_set(t, rc,
			"the extended attributes of '%s' in %s take more than %u bytes",
			e->path, source, XATTRS_SIZE_MAX);
	if (!rc && item->entry.type == ENTRY_SYMLINK)
		rc = attributes_target(e->dirfd, name, &item->target);
	if (rc)
		return content_fail(
			rc == ERR_ABSENT ? ERR_CHANGED : rc, e->path, source, t);
	item->entry.xattrs = span_of_bytes(&item->xattrs);
	item->entry.target = span_of_bytes(&item->target);
	if (item->entry.type == ENTRY_SYMLINK)
		item->entry.size = item->target.size;
	return 0;
}

int item_refresh(struct item *item, const struct content *c, bool *again)
{
	int rc;

	*again = !attributes_unchanged(&item->st, &c->st);
	if (!*again)
		return 0;
	bytes_clear(&item->xattrs);
	rc = attributes_xattrs(c->fd, "", &item->xattrs);
	if (!rc)
		rc = attributes_stat(&c->st, &item->entry);
	if (rc)
		return rc;
	item->st = c->st;
	item->entry.xattrs = span_of_bytes(&item->xattrs);
	return 0;
}

static int set_extents(struct item *item, const struct extents *x)
{
	bytes_clear(&item->extents);
	item->entry.extent_count = 0;
	item->entry.extents = NULL;
	if (x->count == 0)
		return 0;
	if (bytes_reserve(&item->extents, x->count * EXTENT_RECORD_SIZE))
		return ERR_NO_MEMORY;
	for (uint32_t i = 0; i < x->count; i++)
		extent_put(item->extents.data, i, &x->items[i]);
	item->extents.size = x->count * EXTENT_RECORD_SIZE;
	item->entry.extent_count = x->count;
	item->entry.extents = item->extents.data;
	return 0;
}

int item_set_content(
	struct item *item, const struct content *c, const struct digest *content)
{
	item->entry.has_content = c->extents.data_size > 0;
	item->entry.content = *content;
	return set_extents(item, &c->extents);
}

int item_own_list(struct item *item)
{
	const struct object_ref *object = &item->entry.object;
	int rc;

	if (object->form != OBJECT_LISTED || item->list.size > 0)
		return 0;
	rc = bytes_append(&item->list, object->list, object->count * CHUNK_RECORD_SIZE);
	if (!rc)
		item->entry.object.list = item->list.data;
	return rc;
}
