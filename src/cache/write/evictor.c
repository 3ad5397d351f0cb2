/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <string.h>
#include <unistd.h>

#include "cache/meta/eviction.h"
#include "cache/meta/pins.h"
#include "cache/objects/object_files.h"
#include "cache/write/evictor.h"
#include "cache/write/victim_files.h"

#define AT_ONCE 64    /* objects in one transaction, with a descriptor each */
#define USERS_MAX 512 /* of one cache, of which leases are looked at */

/* Victims whose files are locked. */
struct chosen {
	struct victim victims[AT_ONCE];
	int fds[AT_ONCE];
	size_t count;
	uint64_t cost, resident;
};

struct evictor {
	struct write_context *x;
	const struct evictor_goal *goal;
	struct evictor_result done;
	bool spare_busy;
	bool even_pinned;
};

size_t evictor_find_dead(struct write_context *x, uint32_t dead[EVICTOR_DEAD_MAX])
{
	uint32_t users[USERS_MAX];
	size_t count, n = 0;

	if (space_users(x->metadata, users, USERS_MAX, &count))
		return 0;
	for (size_t i = 0; i < count && n < EVICTOR_DEAD_MAX; i++)
		if (!directory_user_lives(x->directory, users[i]))
			dead[n++] = users[i];
	return n;
}

int evictor_end_leases(struct write_context *x)
{
	uint32_t dead[EVICTOR_DEAD_MAX];
	struct changes c = {.dead = dead, .dead_count = evictor_find_dead(x, dead)};
	struct outcome o;
	int rc = c.dead_count ? write_context_commit(x, &c, &o) : 0;

	if (!c.dead_count || rc)
		return rc;
	outcome_release(&o);
	/* What they wrote and did not commit has no record. */
	write_queue_ask_repair(x->queue);
	return 0;
}

static void chosen_unlock(struct chosen *c)
{
	for (size_t i = 0; i < c->count; i++) {
		if (c->fds[i] >= 0)
			close(c->fds[i]);
		c->fds[i] = -1;
	}
}

static int evictor_choose(struct evictor *e, const struct victim *v, struct chosen *c)
{
	int fd = -1, rc = 0;

	if (v->instance && e->spare_busy &&
		open_objects_busy(e->x->open_objects, &v->object))
		return ERR_BUSY;
	if (v->instance)
		rc = object_file_lock(e->x->directory, &v->object, v->instance, &fd);
	if (rc)
		return rc;
	c->victims[c->count] = *v;
	c->fds[c->count++] = fd;
	c->cost += v->cost;
	c->resident += v->resident;
	return 0;
}

static bool is_reached(const struct evictor *e, const struct chosen *c)
{
	return e->done.enough ||
	       (e->done.cost + c->cost >= e->goal->cost &&
		       e->done.resident + c->resident >= e->goal->resident);
}

void evictor_unlink(struct write_context *x, const struct victim *gone, size_t count)
{
	victim_files_remove(x, gone, count, VICTIM_FILES_FRESH);
}

/* The disk is so full that the books cannot be written: those that nobody has open go
 * before their records. That makes room; the others would not. */
static void unlink_first(struct write_context *x, struct chosen *chosen)
{
	chosen_unlock(chosen);
	for (size_t i = 0; i < chosen->count; i++) {
		const struct victim *v = &chosen->victims[i];

		open_objects_forget(x->open_objects, &v->object, v->instance);
		if (object_file_use(x->directory, &v->object, v->instance) !=
			OBJECT_FILE_HELD)
			(void)object_file_remove(x->directory, &v->object, v->instance);
	}
}

/* Strikes the chosen from the books: a record without a file is noticed and harmless. */
static int strike(struct write_context *x, struct chosen *chosen, struct changes *c,
	struct outcome *o)
{
	int rc = write_context_commit(x, c, o);

	if (rc != ERR_NO_SPACE)
		return rc;
	unlink_first(x, chosen);
	return write_context_commit(x, c, o);
}

static int carry_out(struct evictor *e, struct chosen *chosen)
{
	struct write_context *x = e->x;
	struct changes c = {.victims = chosen->victims,
		.victim_count = chosen->count,
		.even_pinned = e->even_pinned,
		.if_short = e->goal->if_short,
		.need = e->goal->need};
	struct outcome o;
	int rc = strike(x, chosen, &c, &o);

	/* An open file, if only by its lock, keeps its space. */
	chosen_unlock(chosen);
	if (rc)
		return rc;
	for (size_t i = 0; i < o.gone_count; i++)
		e->done.cost += o.gone[i].cost;
	e->done.cost -= victim_files_remove(x, o.gone, o.gone_count, VICTIM_FILES_FRESH);
	e->done.resident += o.freed;
	e->done.enough = o.enough;
	if (o.rot)
		write_queue_ask_repair(x->queue);
	outcome_release(&o);
	return 0;
}

/* Some more of the order, from `at` on. *ended: there was nothing left. */
static int evict_some(struct evictor *e, struct eviction_place *at, bool *ended)
{
	struct victim list[AT_ONCE];
	struct chosen chosen = {.count = 0};
	size_t count;
	int rc = eviction_list(e->x->metadata, at, list, AT_ONCE, &count);

	if (rc)
		return rc;
	*ended = count == 0;
	for (size_t i = 0; i < count && !is_reached(e, &chosen); i++) {
		eviction_go_behind(at, &list[i]);
		(void)evictor_choose(e, &list[i], &chosen);
	}
	if (chosen.count)
		rc = carry_out(e, &chosen);
	chosen_unlock(&chosen);
	return rc;
}

static int evict_in_order(struct evictor *e)
{
	static const struct chosen nothing;
	struct eviction_place at = {.size = 0};
	bool ended = false;
	int rc = 0;

	while (!rc && !ended && !is_reached(e, &nothing))
		rc = evict_some(e, &at, &ended);
	return rc;
}

/* Of some more of the order, from `at` on. *count: of the rows looked at. */
static uint64_t reach_of_some(
	struct write_context *x, struct eviction_place *at, uint64_t cost, size_t *count)
{
	struct victim list[AT_ONCE];
	uint64_t sum = 0;
	int fd;

	if (eviction_list(x->metadata, at, list, AT_ONCE, count))
		*count = 0;
	for (size_t i = 0; i < *count && sum < cost; i++) {
		const struct victim *v = &list[i];

		if (!v->instance ||
			object_file_lock(x->directory, &v->object, v->instance, &fd))
			continue;
		if (fd >= 0)
			close(fd);
		sum += v->cost;
	}
	return sum;
}

uint64_t evictor_reach(struct write_context *x, uint64_t cost)
{
	struct eviction_place at = {.size = 0};
	uint64_t sum = 0;
	size_t count;

	do {
		sum += reach_of_some(x, &at, cost - sum, &count);
	} while (count && sum < cost);
	return sum;
}

int evictor_run(struct write_context *x, const struct evictor_goal *goal,
	struct evictor_result *out)
{
	struct evictor e = {.x = x, .goal = goal, .spare_busy = true};
	int rc = evict_in_order(&e);

	if (!rc) {
		e.spare_busy = false;
		rc = evict_in_order(&e);
	}
	*out = e.done;
	return rc;
}

int evictor_remove(struct write_context *x, const struct object_id *object,
	bool even_pinned, struct evictor_result *out)
{
	const struct evictor_goal goal = {.cost = 0};
	struct evictor e = {.x = x, .goal = &goal, .even_pinned = even_pinned};
	struct chosen chosen = {.count = 0};
	struct victim v;
	bool pinned = false;
	int rc = eviction_find(x->metadata, object, &v);

	if (rc)
		goto out;
	rc = pins_look(x->metadata, object, &pinned);
	if (rc)
		goto out;
	rc = pinned && !even_pinned ? ERR_BUSY : evictor_choose(&e, &v, &chosen);
	if (rc)
		goto out;
	rc = carry_out(&e, &chosen);
	/* It was used or pinned meanwhile. */
	if (!rc && !e.done.cost)
		rc = ERR_BUSY;
	if (!rc)
		*out = e.done;
out:
	chosen_unlock(&chosen);
	return rc;
}
