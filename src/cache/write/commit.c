/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <sys/stat.h>

#include "cache/meta/space.h"
#include "cache/meta/transaction.h"
#include "cache/write/commit.h"
#include "cache/write/evictor.h"

#define PRESS_TRIES 2
#define PRESSURE (UINT64_C(8) << 20) /* bytes to make free when the disk was full */
#define ROOM_TRIES 3
#define DEAD_MAX 64

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
	c->epoch = write_context_epoch(x);
	c->user = x->directory->user;
	if (directory_free_bytes(x->directory, &c->disk_free))
		c->disk_free = 0;
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
	if (!o || op->kind == CHANGE_USE || op->kind == CHANGE_TRUST)
		return;
	atomic_store(&o->gone, true);
	open_objects_remove(x->open_objects, o);
}

void commit_forget(struct write_context *x, struct batch *b)
{
	struct reservation *r = write_queue_reservation(x->queue);
	const struct changes *c = &b->changes;
	uint64_t released = 0;

	for (size_t i = 0; i < c->op_count; i++) {
		const struct change *op = &c->ops[i];

		forget_op(x, op, b->objects[op->number]);
		if (op->kind == CHANGE_MARK)
			released += chunk_cost(op->start, op->size);
	}
	reservation_commit(r, released, reservation_view(r).leased);
	reservation_deny(r);
}

static void take_effect(struct write_context *x, const struct changes *c,
	struct object *const *objects, const struct outcome *o)
{
	for (size_t i = 0; i < c->op_count; i++)
		commit_op(x, &c->ops[i], objects[c->ops[i].number]);
	for (size_t i = 0; i < c->rotten_count; i++)
		verified_pages_drop(x->verified, &c->rotten[i]);
	reservation_commit(write_queue_reservation(x->queue), o->released, o->leased);
	evictor_unlink(x, o->gone, o->gone_count);
	if (o->rot)
		write_queue_ask_repair(x->queue);
}

/* The disk was full though the limits were kept: the books need something for
 * themselves, and what is thrown out makes room once this process has closed it. */
static int commit_pressed(struct write_context *x, struct changes *c, struct outcome *o)
{
	const struct evictor_goal goal = {.cost = PRESSURE};
	struct evictor_result freed;
	int rc = transaction_commit(x->metadata, write_context_deadline(), c, o);

	for (unsigned i = 0; rc == ERR_NO_SPACE && i < PRESS_TRIES; i++) {
		(void)evictor_run(x, &goal, &freed);
		complete(x, c, c->shrink);
		rc = transaction_commit(x->metadata, write_context_deadline(), c, o);
	}
	return rc;
}

/* Leases of the dead first, then objects. False: it was in vain. */
static bool make_room(struct write_context *x, struct changes *c, const struct outcome *o,
	uint32_t dead[DEAD_MAX])
{
	const struct evictor_goal goal = {.cost = o->short_of};
	struct evictor_result freed;

	c->dead = dead;
	c->dead_count = evictor_find_dead(x, dead, DEAD_MAX);
	if (c->dead_count) {
		/* What they wrote and did not commit has no record. */
		write_queue_ask_repair(x->queue);
		return true;
	}
	if (o->in_vain)
		return false;
	(void)evictor_run(x, &goal, &freed);
	return freed.cost > 0;
}

/* The rest of a batch, for which there was no room: pages, and the demand. */
static int commit_rest(
	struct write_context *x, const struct changes *all, struct outcome *o)
{
	uint32_t dead[DEAD_MAX];
	int rc = 0;

	for (unsigned i = 0; !rc && o->short_of && i < ROOM_TRIES; i++) {
		struct changes rest = {.op_count = 0};

		if (!make_room(x, &rest, o, dead))
			break;
		if (!o->pages_kept) {
			rest.pages = all->pages;
			rest.page_count = all->page_count;
		}
		complete(x, &rest, false);
		outcome_release(o);
		rc = commit_pressed(x, &rest, o);
		if (!rc)
			take_effect(x, &rest, NULL, o);
	}
	return rc;
}

int commit_batch(struct write_context *x, struct batch *b, bool shrink, bool *more)
{
	struct changes *c = &b->changes;
	struct reservation *r = write_queue_reservation(x->queue);
	struct outcome o;
	int rc;

	if (shrink)
		reservation_shrink(r);
	complete_ops(b);
	complete(x, c, shrink);
	rc = commit_pressed(x, c, &o);
	if (rc == ERR_TIMEOUT)
		reservation_deny(r);
	else if (rc)
		commit_forget(x, b);
	if (rc)
		return rc;
	take_effect(x, c, b->objects, &o);
	if (commit_rest(x, c, &o) || !o.granted)
		reservation_deny(r);
	*more = o.more;
	outcome_release(&o);
	return 0;
}
