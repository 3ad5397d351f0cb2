/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "publish/reachable.h"

#include <pthread.h>
#include <stdlib.h>

#include "format/extent_list.h"
#include "format/page_json.h"
#include "format/recipe.h"
#include "util/array.h"
#include "util/thread.h"

/* A page, a recipe or a list of extents that is to be read, and what was said of it where
 * it is named. */
struct reach_task {
	enum blob_kind kind;
	bool is_top;	/* nothing was said but its bytes, if it is a recipe or a list, and
			 * of a list how many runs it has */
	unsigned level; /* it has to have; is_top: at most */
	struct digest digest;
	uint64_t count; /* entries, chunks, runs */
	uint64_t bytes;
	uint64_t first, end; /* of a list: in the file; is_top: the file's size is `end` */
};

static const char *const reach_kinds[] = {
	[BLOB_CHUNK] = "chunk",
	[BLOB_PAGE] = "page",
	[BLOB_RECIPE] = "recipe",
	[BLOB_EXTENTS] = "list of extents",
};

/* The last one that came is the first to go, so that as few wait as can be. */
struct reach_stack {
	struct reach_task *tasks;
	size_t count, capacity;
};

struct reachable {
	const struct reachable_options *o;

	pthread_mutex_t reach_mtx; /* all below */
	pthread_cond_t reach_cond; /* a task came, the last one is done, or one failed */
	struct reach_stack stack;
	unsigned busy; /* tasks that are looked at */
	int failure;
	struct trouble trouble;
};

/* What a thread has. */
struct reacher {
	struct reachable *r;
	pthread_t thread;
	struct blob_codec *codec;
	struct bytes text, packed;
	struct reach_stack below; /* of the task that it looks at */
	struct trouble trouble;
};

static int reach_push(struct reach_stack *s, const struct reach_task *task)
{
	int rc = array_grow(&s->tasks, &s->capacity, s->count, sizeof *s->tasks);

	if (!rc)
		s->tasks[s->count++] = *task;
	return rc;
}

static int reach_tell(
	struct reacher *x, enum blob_kind kind, const struct digest *digest, uint64_t size)
{
	const struct reachable_options *o = x->r->o;
	struct reached blob = {.kind = kind, .digest = *digest, .size = size};

	return o->each(o->ctx, &blob, &x->trouble);
}

static int reach_misfit(struct reacher *x, const struct reach_task *task)
{
	char hex[DIGEST_HEX_SIZE];

	digest_to_hex(&task->digest, hex);
	return trouble_set(&x->trouble, ERR_CORRUPT,
		"%s: the %s %s is not what is said of it", store_name(x->r->o->store),
		reach_kinds[task->kind], hex);
}

static int reach_parts(struct reacher *x, const struct recipe *recipe)
{
	int rc = 0;

	for (uint32_t i = 0; i < recipe->count && !rc; i++) {
		struct reach_task part = {.kind = BLOB_RECIPE};
		struct recipe_hit hit;

		rc = recipe_at(recipe, i, &hit);
		if (!rc && recipe->level == 0)
			rc = reach_tell(x, BLOB_CHUNK, &hit.digest, hit.size);
		if (rc || recipe->level == 0)
			continue;
		part.level = recipe->level - 1;
		part.digest = hit.digest;
		part.count = hit.chunks;
		part.bytes = hit.size;
		rc = reach_push(&x->below, &part);
	}
	return rc;
}

static int reach_recipe(struct reacher *x, const struct reach_task *task)
{
	struct recipe recipe;
	int rc = recipe_decode(span_of_bytes(&x->text), &x->packed, &x->trouble);

	if (!rc)
		rc = recipe_view(span_of_bytes(&x->packed), &recipe);
	if (rc)
		return rc;
	if (recipe.bytes != task->bytes ||
		(!task->is_top &&
			(recipe.level != task->level || recipe.chunks != task->count)))
		return reach_misfit(x, task);
	return reach_parts(x, &recipe);
}

static int reach_lists(struct reacher *x, const struct extent_list *list)
{
	int rc = 0;

	for (uint32_t i = 0; list->level > 0 && i < list->count && !rc; i++) {
		struct reach_task below = {.kind = BLOB_EXTENTS, .level = list->level - 1};
		struct extent_part part;

		rc = extent_list_part(list, i, &part);
		if (rc)
			break;
		below.digest = part.digest;
		below.count = part.span.runs;
		below.bytes = part.span.bytes;
		below.first = part.span.first;
		below.end = part.span.end;
		rc = reach_push(&x->below, &below);
	}
	return rc;
}

/* Is the list what was said of it? */
static bool reach_list_fits(const struct reach_task *task, const struct extent_list *list)
{
	const struct extent_span *s = &list->span;

	if (s->runs != task->count || s->bytes != task->bytes)
		return false;
	if (task->is_top)
		return s->end <= task->end;
	return list->level == task->level && s->first == task->first && s->end == task->end;
}

static int reach_extents(struct reacher *x, const struct reach_task *task)
{
	struct extent_list list;
	int rc = extent_list_decode(span_of_bytes(&x->text), &x->packed, &x->trouble);

	if (!rc)
		rc = extent_list_view(span_of_bytes(&x->packed), &list);
	if (rc)
		return rc;
	return reach_list_fits(task, &list) ? reach_lists(x, &list) : reach_misfit(x, task);
}

static int reach_run_list(struct reacher *x, const struct entry *e)
{
	const struct reach_task list = {.kind = BLOB_EXTENTS,
		.is_top = true,
		.level = EXTENT_LIST_LEVEL_MAX,
		.digest = e->run_list.digest,
		.count = e->run_list.count,
		.bytes = e->run_list.size,
		.end = e->size};

	return e->run_list.count > 0 ? reach_push(&x->below, &list) : 0;
}

static int reach_object(struct reacher *x, const struct object_ref *o)
{
	const struct reach_task recipe = {.kind = BLOB_RECIPE,
		.is_top = true,
		.level = RECIPE_LEVEL_MAX,
		.digest = o->recipe,
		.bytes = o->size};
	int rc = 0;

	if (o->form == OBJECT_SINGLE)
		return reach_tell(x, BLOB_CHUNK, &o->digest, o->size);
	if (o->form == OBJECT_RECIPE)
		return reach_push(&x->below, &recipe);
	for (uint32_t i = 0; i < o->count && !rc; i++) {
		struct chunk_ref chunk = chunk_list_at(o->list, i);

		rc = reach_tell(x, BLOB_CHUNK, &chunk.digest, chunk.size);
	}
	return rc;
}

/* The files of a bundle stand one behind the other: told of once. */
static int reach_leaf(struct reacher *x, const struct page *page)
{
	struct object_ref last = {.size = 0};

	for (uint32_t row = 0; row < page->count; row++) {
		struct entry e;
		int rc = page_entry(page, row, &e);

		if (!rc && e.has_content &&
			!(last.size > 0 && object_equal(&last, &e.object))) {
			last = e.object;
			rc = reach_object(x, &e.object);
		}
		if (!rc)
			rc = reach_run_list(x, &e);
		if (rc)
			return rc;
	}
	return 0;
}

static int reach_children(struct reacher *x, const struct page *page)
{
	int rc = 0;

	for (uint32_t i = 0; i < page->count && !rc; i++) {
		struct reach_task below = {.kind = BLOB_PAGE, .level = page->level - 1};
		struct page_child child;

		rc = page_child(page, i, &child);
		if (rc)
			break;
		below.digest = child.digest;
		below.count = child.entries;
		below.bytes = child.bytes;
		rc = reach_push(&x->below, &below);
	}
	return rc;
}

static int reach_page(struct reacher *x, const struct reach_task *task)
{
	struct page page;
	int rc = page_json_decode(span_of_bytes(&x->text), &x->packed, &x->trouble);

	if (!rc)
		rc = page_view(span_of_bytes(&x->packed), &page);
	if (rc)
		return rc;
	if (!task->is_top &&
		(page.level != task->level || page_entries(&page) != task->count ||
			page_bytes(&page) != task->bytes))
		return reach_misfit(x, task);
	return page.level == 0 ? reach_leaf(x, &page) : reach_children(x, &page);
}

static int reach_read(struct reacher *x, const struct reach_task *task)
{
	int rc = store_read_blob(
		x->r->o->store, x->codec, &task->digest, &x->text, &x->trouble);

	bytes_clear(&x->packed);
	if (rc)
		return rc;
	if (task->kind == BLOB_PAGE)
		return reach_page(x, task);
	return task->kind == BLOB_RECIPE ? reach_recipe(x, task) : reach_extents(x, task);
}

/* Is it the blob that `rc` speaks of, or the store, or memory? */
static bool reach_is_damage(int rc)
{
	return rc == ERR_CORRUPT || rc == ERR_ABSENT || rc == ERR_LIMIT;
}

static int reach_look(struct reacher *x, const struct reach_task *task)
{
	const struct reachable_options *o = x->r->o;
	struct reached blob = {.kind = task->kind, .digest = task->digest};
	char hex[DIGEST_HEX_SIZE];
	int rc;

	x->below.count = 0;
	x->trouble = (struct trouble){0};
	if (o->seen && seen_digests_meet(o->seen, &task->digest))
		return 0;
	rc = o->each(o->ctx, &blob, &x->trouble);
	if (rc)
		return rc == REACHABLE_LEAVE_OUT ? 0 : rc;
	rc = reach_read(x, task);
	if (!rc)
		return 0;
	digest_to_hex(&task->digest, hex);
	if (x->trouble.code != rc)
		trouble_set(&x->trouble, rc, "%s: the %s %s: %s", store_name(o->store),
			reach_kinds[task->kind], hex, error_text(rc));
	if (!o->damaged || !reach_is_damage(rc))
		return rc;
	x->below.count = 0;
	return o->damaged(o->ctx, &blob, rc, &x->trouble);
}

/* What lies below a task comes before what is behind it, and in its order. */
static void reach_done(struct reacher *x, int rc)
{
	struct reachable *r = x->r;

	pthread_mutex_lock(&r->reach_mtx);
	for (size_t i = x->below.count; i > 0 && !rc; i--)
		rc = reach_push(&r->stack, &x->below.tasks[i - 1]);
	if (rc && !r->failure) {
		r->failure = rc;
		r->trouble = x->trouble;
	}
	r->busy--;
	pthread_cond_broadcast(&r->reach_cond);
	pthread_mutex_unlock(&r->reach_mtx);
}

/* False: there is none any more, or one has failed. */
static bool reach_take(struct reachable *r, struct reach_task *out)
{
	bool found;

	pthread_mutex_lock(&r->reach_mtx);
	while (r->stack.count == 0 && r->busy > 0 && !r->failure)
		pthread_cond_wait(&r->reach_cond, &r->reach_mtx);
	found = r->stack.count > 0 && !r->failure;
	if (found) {
		*out = r->stack.tasks[--r->stack.count];
		r->busy++;
	}
	pthread_mutex_unlock(&r->reach_mtx);
	return found;
}

static void *reacher_run(void *arg)
{
	struct reacher *x = arg;
	struct reach_task task;

	while (reach_take(x->r, &task))
		reach_done(x, reach_look(x, &task));
	return NULL;
}

static void reacher_release(struct reacher *x)
{
	blob_codec_free(x->codec);
	bytes_release(&x->text);
	bytes_release(&x->packed);
	free(x->below.tasks);
}

/* With the caller's thread, so that one is always there. */
static int reach_all(struct reachable *r, struct reacher *reachers, unsigned jobs)
{
	unsigned started = 0;
	int rc = 0;

	for (unsigned i = 0; i < jobs && !rc; i++) {
		reachers[i].r = r;
		reachers[i].codec = blob_codec_new();
		if (!reachers[i].codec)
			rc = ERR_NO_MEMORY;
	}
	while (!rc && started + 1 < jobs &&
		!thread_start(&reachers[started + 1].thread, "reach", reacher_run,
			&reachers[started + 1]))
		started++;
	if (!rc)
		reacher_run(&reachers[0]);
	while (started > 0)
		pthread_join(reachers[started--].thread, NULL);
	for (unsigned i = 0; i < jobs; i++)
		reacher_release(&reachers[i]);
	return rc ? rc : r->failure;
}

static int reach_begin(struct reachable *r, const struct manifest *m)
{
	const struct reach_task root = {.kind = BLOB_PAGE,
		.is_top = true,
		.level = PAGE_LEVEL_MAX,
		.digest = m->root};
	const struct reached profile = {
		.kind = BLOB_CHUNK, .digest = m->profile, .size = m->profile_size};
	int rc = reach_push(&r->stack, &root);

	if (!rc && m->profile_size > 0)
		rc = r->o->each(r->o->ctx, &profile, &r->trouble);
	return rc;
}

int reachable_walk(
	const struct reachable_options *o, const struct manifest *m, struct trouble *t)
{
	unsigned jobs = o->jobs ? o->jobs : 1;
	struct reachable r = {.o = o};
	struct reacher *reachers;
	int rc = 0;

	if (jobs > REACHABLE_JOBS_MAX)
		jobs = REACHABLE_JOBS_MAX;
	reachers = calloc(jobs, sizeof *reachers);
	if (!reachers)
		return ERR_NO_MEMORY;
	pthread_mutex_init(&r.reach_mtx, NULL);
	pthread_cond_init(&r.reach_cond, NULL);
	rc = reach_begin(&r, m);
	if (!rc)
		rc = reach_all(&r, reachers, jobs);
	if (rc && t && r.trouble.code == rc)
		*t = r.trouble;
	pthread_cond_destroy(&r.reach_cond);
	pthread_mutex_destroy(&r.reach_mtx);
	free(r.stack.tasks);
	free(reachers);
	return rc;
}

int reachable_each(struct store *s, const struct manifest *m, reachable_fn each, void *ctx,
	struct trouble *t)
{
	const struct reachable_options o = {.store = s, .each = each, .ctx = ctx};

	return reachable_walk(&o, m, t);
}
