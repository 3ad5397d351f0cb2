/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/request_path.h"

#include <stdio.h>
#include <string.h>

#include "cache/attempt_pages.h"
#include "fs/filesystem.h"

/* As it is seen in the mount. */
static void path_in_mount(const struct retained *of, struct path *p)
{
	char head[48];
	size_t size = (size_t)snprintf(head, sizeof head, ".cairn/revisions/%llu%s",
		(unsigned long long)of->view.revision, p->size ? "/" : "");

	if (size > sizeof p->data - 1 - p->size)
		return;
	memmove(p->data + size, p->data, p->size);
	memcpy(p->data, head, size);
	p->size += size;
}

static void path_in_view(const struct request *r, const struct view *view, struct path *out)
{
	struct page_source pages;
	struct attempt a;
	struct entry e;

	out->size = 0;
	if (attempt_begin(&a, r->fs->cache, NULL))
		return;
	pages = attempt_pages(&a);
	if (node_entry(&r->node, &pages, &view->root, &e) == 0 && entry_path(&e, out))
		out->size = 0;
	attempt_end(&a);
}

void request_path(const struct request *r, struct path *out)
{
	unsigned side;

	if (r->node.retained) {
		path_in_view(r, &r->node.retained->view, out);
		path_in_mount(r->node.retained, out);
	} else {
		path_in_view(r, views_enter(&r->fs->views, &side), out);
		views_leave(&r->fs->views, side);
	}
	if (r->kind->of_child && out->size + 1 + strlen(r->name) < sizeof out->data)
		out->size += (size_t)snprintf(out->data + out->size,
			sizeof out->data - out->size, "%s%s", out->size ? "/" : "",
			r->name);
}
