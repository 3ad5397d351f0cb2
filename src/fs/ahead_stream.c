/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/ahead_stream.h"

#include "cache/attempt_pages.h"
#include "cache/file_map.h"
#include "fs/filesystem.h"
#include "fs/hints.h"
#include "fs/node.h"
#include "fs/request.h"

#define SLACK (UINT64_C(256) << 10) /* two of the kernel's readahead requests */
#define FIRST_WINDOW (UINT64_C(1) << 20)
#define GRAIN (UINT64_C(512) << 10) /* a chunk's mean */

/* The chunks of one piece of data, up to `end` of the object. */
static int add_piece(struct attempt *a, const struct object_ref *object, uint64_t at,
	uint64_t end, struct hints *h, uint64_t *reached)
{
	struct want chunk;
	int rc = 0;

	while (at < end && !hints_full(h)) {
		rc = attempt_chunk(a, object, at, &chunk);
		if (rc)
			break;
		if (!attempt_has(a, &chunk))
			hints_add(h, &chunk);
		at = chunk.start + chunk.size;
	}
	*reached = at < end ? at : end;
	return rc;
}

/* Takes off `run` what it has looked at. */
static int add_run(
	struct attempt *a, const struct entry *e, struct run *run, struct hints *h)
{
	uint64_t reached;
	int rc = 0;

	while (!rc && run->size && run->start < e->size && !hints_full(h)) {
		struct piece piece;
		uint64_t size;

		rc = file_map(a, e, run->start, &piece);
		if (rc)
			break;
		size = piece.size < run->size ? piece.size : run->size;
		if (!piece.hole) {
			rc = add_piece(a, &e->object, piece.object_offset,
				piece.object_offset + size, h, &reached);
			size = reached - piece.object_offset;
		}
		run->start += size;
		run->size -= size;
	}
	if (run->start >= e->size)
		run->size = 0;
	return rc;
}

/* Goes on to the next run of the plan; false at its end or past the end of the file. */
static bool plan_next(struct plan *plan, struct run *run, uint64_t size)
{
	if (--plan->times == 0)
		return false;
	plan->run.start += plan->stride;
	*run = plan->run;
	return run->start < size;
}

/* One attempt, as much as goes into one list of hints: 0 when there may be more. What a
 * missing recipe asks for is hinted too, and ends it. */
static int add_plan(struct request *r, struct plan *plan, struct run *run, struct hints *h)
{
	struct page_source pages;
	struct digest root;
	struct attempt a;
	struct entry e;
	int rc;

	rc = attempt_begin(&a, r->fs->cache, NULL);
	if (rc)
		return rc;
	pages = attempt_pages(&a);
	root = filesystem_root_of(r->fs, &r->node);
	rc = node_entry(&r->node, &pages, &root, &e);
	while (!rc && !hints_full(h)) {
		rc = add_run(&a, &e, run, h);
		if (!rc && !run->size && !plan_next(plan, run, e.size))
			rc = ERR_ABSENT;
	}
	if (rc == ERR_PENDING)
		hints_add_missing(h, &a);
	attempt_end(&a);
	return rc;
}

void ahead_stream_fetch(struct request *r)
{
	struct readahead_limits limits = {
		.slack = SLACK,
		.first = FIRST_WINDOW < r->fs->readahead ? FIRST_WINDOW : r->fs->readahead,
		.most = r->fs->readahead,
		.grain = GRAIN,
	};
	struct plan plan = readahead_table_note(
		&r->fs->readahead_table, r->node.id, &limits, r->offset, r->size);
	struct run run = plan.run;
	struct hints h = {.count = 0};
	int rc = run.size ? 0 : ERR_ABSENT;

	while (!rc) {
		rc = add_plan(r, &plan, &run, &h);
		hints_send(&h, r->fs->source);
	}
}
