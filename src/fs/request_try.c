/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/request_try.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "fs/entry_stat.h"
#include "fs/filesystem.h"
#include "fs/request_end.h"
#include "fs/request_path.h"
#include "util/clock.h"

/* What is asked for ahead is kept apart from what the step cannot do without. */
static bool hint_page(void *ctx, const struct digest *digest)
{
	struct request_try *t = ctx;
	unsigned before = t->attempt.want_count;

	if (attempt_hint_page(&t->attempt, digest))
		return true;
	if (t->attempt.want_count == before)
		return false;
	hints_add(&t->hints, &t->attempt.wants[before]);
	t->attempt.want_count = before;
	return false;
}

static int find_page(void *ctx, const struct digest *digest, struct page *out)
{
	struct request_try *t = ctx;

	return attempt_page(&t->attempt, digest, out);
}

void request_try_hint_wants(struct request_try *t)
{
	hints_add_missing(&t->hints, &t->attempt);
	t->attempt.want_count = 0;
}

void request_try_init(struct request_try *t)
{
	t->view = NULL;
	t->buffer = NULL;
	t->held_count = 0;
	t->hints.count = 0;
	t->attempt.want_count = 0;
	t->pages = (struct page_source){.page = find_page, .hint = hint_page, .ctx = t};
}

void request_try_release(struct request_try *t, struct filesystem *fs)
{
	if (t->buffer && t->buffer != t->small)
		buffers_put(&fs->buffers, t->buffer);
	t->buffer = NULL;
}

static void leave_view(struct request *r, struct request_try *t)
{
	if (t->view && !r->node.retained)
		views_leave(&r->fs->views, t->side);
	t->view = NULL;
}

static void enter_view(struct request *r, struct request_try *t)
{
	if (!t->view)
		t->view = r->node.retained ? &r->node.retained->view
					   : views_enter(&r->fs->views, &t->side);
	t->overtaken = false;
}

int request_try_entry(struct request *r, struct request_try *t, struct entry *e)
{
	return node_entry(&r->node, &t->pages, &t->view->root, e);
}

void request_try_param(
	const struct request *r, const struct entry *e, struct fuse_entry_param *out)
{
	entry_param(e, out);
	if (r->node.retained)
		out->attr.st_ino ^= r->node.retained->inode_mix;
}

static void take_back(struct request_try *t, struct filesystem *fs)
{
	for (unsigned i = 0; i < t->held_count; i++)
		filesystem_forget(fs, t->held[i].node, t->held[i].lookups);
	t->held_count = 0;
}

int request_try_hold(struct request *r, struct request_try *t, const struct digest *leaf,
	uint32_t row, struct fuse_entry_param *entry)
{
	const struct retained *retained = r->node.retained;
	struct node_number number;
	struct held *last = t->held_count ? &t->held[t->held_count - 1] : NULL;
	int rc;

	if (t->held_count == HELD_MAX)
		return ERR_LIMIT;
	rc = node_table_hold(retained ? retained->node_table : r->fs->node_table,
		t->view->turn, leaf, row, &number);
	t->overtaken = rc == ERR_BUSY;
	if (rc)
		return rc;
	entry->ino = number.node | (retained ? retained->space << NODE_SPACE_SHIFT : 0);
	entry->generation = number.generation;
	if (last && last->node >> NODE_ROW_BITS == entry->ino >> NODE_ROW_BITS)
		last->lookups++;
	else
		t->held[t->held_count++] = (struct held){entry->ino, 1};
	return 0;
}

static int get_buffer(struct request *r, struct request_try *t)
{
	if (t->buffer)
		return 0;
	if (r->size > BUFFER_SIZE)
		return ERR_LIMIT;
	t->buffer = r->size <= SMALL_REPLY ? t->small : buffers_get(&r->fs->buffers);
	return t->buffer ? 0 : ERR_NO_MEMORY;
}

/* One attempt. *again: in vain, what was read was not so. */
static int try_once(struct request *r, struct request_try *t,
	const struct blob_buffers *buffers, bool *again)
{
	int rc = get_buffer(r, t);

	t->hints.count = 0;
	enter_view(r, t);
	if (!rc)
		rc = attempt_begin(&t->attempt, r->fs->cache, buffers);
	if (rc) {
		*again = false;
		return rc;
	}
	rc = r->kind->step(r, t);
	*again = attempt_end(&t->attempt) != 0 || t->overtaken;
	if (t->overtaken)
		leave_view(r, t);
	return rc;
}

int request_try_run(
	struct request *r, struct request_try *t, const struct blob_buffers *buffers)
{
	bool again;
	int rc = try_once(r, t, buffers, &again);

	while (again) {
		take_back(t, r->fs);
		rc = try_once(r, t, buffers, &again);
	}
	assert(rc != ERR_PENDING || t->attempt.want_count > 0);
	if (rc)
		take_back(t, r->fs);
	if (rc == ERR_PENDING)
		leave_view(r, t);
	return rc;
}

static void note_failure(struct request *r, int error, const struct trouble *trouble)
{
	struct path path;

	request_path(r, &path);
	failures_note(&r->fs->failures, r->kind->name, path_span(&path), error, trouble);
}

void request_try_answer(
	struct request *r, struct request_try *t, int error, const struct trouble *trouble)
{
	enter_view(r, t);
	if (error && error != ERR_INTERRUPTED)
		note_failure(r, error, trouble);
	if (error && r->kind->asked_twice)
		recent_failures_note(&r->fs->recent_failures, &r->node.leaf, r->node.row,
			(struct run){r->offset, r->size}, error, clock_monotonic());
	request_end(r, error, error ? NULL : &t->answer);
	if (error)
		fuse_reply_err(r->fuse, failure_errno(error));
	else if (answer_send(&t->answer, r->fuse, t->buffer))
		take_back(t, r->fs);
	leave_view(r, t);
	request_try_release(t, r->fs);
}
