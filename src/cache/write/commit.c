/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <sys/stat.h>
#include <time.h>

#include "cache/meta/space.h"
#include "cache/write/commit.h"
#include "cache/write/evictor.h"
#include "cache/write/leftovers.h"

#define PRESS_TRIES 2
#define PRESSURE (UINT64_C(8) << 20)	 /* bytes to make free when the disk was full */
#define PRESS_EVERY (60 * NS_PER_SECOND) /* when that did not help */
#define ROOM_TRIES 4
#define AWAIT_EVERY (20 * NS_PER_MS)
#define AWAIT_TRIES 10
/* How long it is believed that no more can go: and ten times as long as finding out took.
 */
#define REACH_FOR NS_PER_SECOND

/* May a record be made for it? For a file that this process made, and nobody removed
 * meanwhile. */
static bool may_create(struct object *o)
{
	struct stat st;

	return o && !atomic_load(&o->recorded) && fstat(o->fd, &st) == 0 && st.st_nlink > 0;
}

static void complete_ops(struct batch *b)
{
	struct changes *c = &b->changes;

	for (size_t i = 0; i < c->op_count; i++)
		if (c->ops[i].kind == CHANGE_MARK)
			c->ops[i].creates = may_create(b->objects[c->ops[i].number]);
}

/* What the books cannot know by themselves. */
static void complete(struct write_context *x, struct changes *c, bool shrink)
{
	struct reservation_view v;

	v = reservation_view(write_queue_reservation(x->queue));
	c->used_pages = x->verified;
	c->renew = true;
	c->shrink = shrink;
	c->leased = v.leased;
	c->used = v.used;
	c->demand = v.demand;
}

/* What has become of an object, once it is committed. */
static void commit_op(struct write_context *x, const struct change *op, struct object *o)
{
	if (!o)
		return;
	if (op->result == CHANGE_DONE)
		atomic_store(&o->recorded, true);
	if (op->result == CHANGE_STALE || op->result == CHANGE_ENDED) {
		atomic_store(&o->gone, true);
		open_objects_remove(x->open_objects, o);
	}
}

/* Nothing was committed: what was written is forgotten. */
static void forget_op(struct write_context *x, const struct change *op, struct object *o)
{
	if (!o || op->kind == CHANGE_USE || op->kind == CHANGE_TRUST ||
		op->kind == CHANGE_FLUSHED || op->kind == CHANGE_ADOPT)
		return;
	atomic_store(&o->gone, true);
	open_objects_remove(x->open_objects, o);
}

void commit_forget(struct write_context *x, struct batch *b)
{
	struct reservation *r = write_queue_reservation(x->queue);
	const struct changes *c = &b->changes;
	uint64_t released = 0, losses = c->page_count;

	for (size_t i = 0; i < c->op_count; i++) {
		const struct change *op = &c->ops[i];

		forget_op(x, op, b->objects[op->number]);
		if (op->kind != CHANGE_MARK)
			continue;
		released += chunk_cost(op->start, op->size);
		losses++;
	}
	write_queue_note_losses(x->queue, losses);
	reservation_commit(r, released, reservation_view(r).leased);
	reservation_deny(r);
}

static void commit_ops(struct write_context *x, struct batch *b)
{
	const struct changes *c = &b->changes;
	uint64_t losses = 0;

	for (size_t i = 0; i < c->op_count; i++) {
		const struct change *op = &c->ops[i];
		struct object **o = &b->objects[op->number];

		commit_op(x, op, *o);
		losses += op->kind == CHANGE_MARK && op->result == CHANGE_STALE;
		/* From here on it can be thrown out, and makes room. */
		object_put(*o);
		*o = NULL;
	}
	write_queue_note_losses(x->queue, losses);
}

/* The log has it once a minute. */
static void tell_growth(struct write_context *x, const struct outcome *o)
{
	if (o->growth == GROWTH_READER)
		log_warning(x->log,
			"cache: process %d began to read in %s long ago and has not ended, "
			"as "
			"if it was stopped: nothing new is kept until it goes on or is "
			"ended",
			o->reader, x->directory->path);
	if (o->growth == GROWTH_CAP)
		log_warning(x->log,
			"cache: the metadata in %s has the full size that the quota or the "
			"disk leaves for it: nothing new is kept until something of it is "
			"gone",
			x->directory->path);
}

/* But for what has become of objects. */
static void take_effect(
	struct write_context *x, const struct changes *c, const struct outcome *o)
{
	for (size_t i = 0; i < c->rotten_count; i++)
		verified_pages_drop(x->verified, &c->rotten[i]);
	reservation_commit(write_queue_reservation(x->queue), o->released, o->leased);
	evictor_unlink(x, o->gone, o->gone_count);
	tell_growth(x, o);
	if (o->rot)
		write_queue_ask_repair(x->queue);
}

static bool commit_has_marks(const struct changes *c)
{
	for (size_t i = 0; i < c->op_count; i++)
		if (c->ops[i].kind == CHANGE_MARK)
			return true;
	return false;
}

/* Is it worth throwing something out for? Not to note a use; and not when the limits could
 * not be kept all the same, so that nothing would be kept. */
static bool may_press(struct write_context *x, const struct changes *c)
{
	struct space s;

	if (clock_monotonic() < x->vain.press_after)
		return false;
	if (!commit_has_marks(c) && !c->page_count && !c->pin_count && !c->demand)
		return false;
	return !space_look(x->metadata, write_context_disk_free(x), &s) &&
	       space_deficit(&s, PRESSURE) <= s.totals.cost;
}

/* The disk was full though the limits were kept: the books need something for
 * themselves, and what is thrown out makes room once this process has closed it. */
static int commit_pressed(struct write_context *x, struct changes *c, struct outcome *o)
{
	const struct evictor_goal goal = {.cost = PRESSURE};
	struct evictor_result freed;
	int rc = write_context_commit(x, c, o);

	if (rc != ERR_NO_SPACE || !may_press(x, c))
		return rc;
	for (unsigned i = 0; rc == ERR_NO_SPACE && i < PRESS_TRIES; i++) {
		(void)evictor_run(x, &goal, &freed);
		complete(x, c, c->shrink);
		rc = write_context_commit(x, c, o);
	}
	if (rc == ERR_NO_SPACE)
		x->vain.press_after = clock_monotonic() + PRESS_EVERY;
	return rc;
}

/* Can so much go? Else nothing does. */
static bool can_make_room(struct write_context *x, uint64_t bytes)
{
	int64_t began = clock_monotonic(), now;

	if (began < x->vain.reach_until && bytes > x->vain.reach)
		return false;
	x->vain.reach = evictor_reach(x, bytes);
	if (x->vain.reach >= bytes)
		return true;
	now = clock_monotonic();
	x->vain.reach_until = now + REACH_FOR + 10 * (now - began);
	return false;
}

/* False: it was in vain. */
static bool make_room(struct write_context *x, const struct outcome *o)
{
	struct evictor_goal goal = {.cost = o->short_of, .if_short = true, .need = o->need};
	struct evictor_result freed = {.cost = 0};

	if (o->in_vain || !can_make_room(x, o->short_of))
		return false;
	(void)evictor_run(x, &goal, &freed);
	return freed.cost > 0 || freed.enough;
}

/* The rest of a batch, once there is room: pages, and the demand. */
static int commit_once_more(struct write_context *x, const struct changes *all,
	bool only_need, struct outcome *o)
{
	struct changes rest = {.only_need = only_need};
	bool more = o->more;
	int rc;

	if (!o->pages_kept) {
		rest.pages = all->pages;
		rest.page_count = all->page_count;
	}
	complete(x, &rest, false);
	outcome_release(o);
	rc = commit_pressed(x, &rest, o);
	if (!rc)
		take_effect(x, &rest, o);
	o->more = o->more || more;
	return rc;
}

/* What was thrown out is about to become free: others let go of it within a moment. */
static int commit_awaited(
	struct write_context *x, const struct changes *all, struct outcome *o)
{
	const struct timespec moment = {.tv_nsec = (long)AWAIT_EVERY};
	int rc = 0;

	for (unsigned i = 0; i < AWAIT_TRIES && !rc && o->awaited; i++) {
		if (o->granted && o->pages_kept)
			break;
		nanosleep(&moment, NULL);
		leftovers_finish(x, LEFTOVERS_HELD);
		rc = commit_once_more(x, all, true, o);
	}
	return rc;
}

/* Leases of the dead first, then objects; at last no more than what is waited for. */
static int commit_rest(
	struct write_context *x, const struct changes *all, struct outcome *o)
{
	uint32_t dead[EVICTOR_DEAD_MAX];
	bool only_need = false;
	int rc = 0;

	if (!o->short_of)
		return commit_awaited(x, all, o);
	if (evictor_find_dead(x, dead)) {
		rc = evictor_end_leases(x);
		if (!rc)
			rc = commit_once_more(x, all, false, o);
	}
	for (unsigned i = 0; !rc && o->short_of && i < ROOM_TRIES; i++) {
		if (!make_room(x, o)) {
			if (only_need || o->granted)
				break;
			only_need = true;
		}
		rc = commit_once_more(x, all, only_need, o);
	}
	return rc ? rc : commit_awaited(x, all, o);
}

int commit_batch(struct write_context *x, struct batch *b, bool shrink, bool *more)
{
	struct changes *c = &b->changes;
	struct reservation *r = write_queue_reservation(x->queue);
	uint64_t leased = reservation_view(r).leased;
	struct outcome o;
	int rc;

	if (shrink)
		reservation_shrink(r);
	complete_ops(b);
	complete(x, c, shrink);
	rc = commit_pressed(x, c, &o);
	if (rc && shrink)
		reservation_commit(r, 0, leased); /* the books say so still */
	if (rc && rc != ERR_TIMEOUT)
		commit_forget(x, b);
	if (rc)
		return rc;
	commit_ops(x, b);
	take_effect(x, c, &o);
	rc = commit_rest(x, c, &o);
	if (rc || !o.granted)
		reservation_deny(r);
	if (rc || !o.pages_kept)
		write_queue_note_losses(x->queue, c->page_count);
	*more = o.more;
	outcome_release(&o);
	return 0;
}
