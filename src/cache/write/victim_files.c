/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cache/objects/object_files.h"
#include "cache/write/victim_files.h"

#define AT_ONCE 64
#define LOG_EVERY (60 * NS_PER_SECOND)

/* What has become of some of them. */
struct removal {
	struct write_context *x;
	enum victim_files when;
	uint64_t seen[AT_ONCE];
	size_t seen_count;
	struct victim_note notes[AT_ONCE];
	size_t note_count;
	uint64_t gone, stuck; /* bytes of disk */
	bool held;	      /* some are */
};

static bool is_old(const struct victim *v)
{
	int64_t now = clock_realtime() / NS_PER_SECOND;

	/* One of the future is of a clock that was set back. */
	return v->since <= now - VICTIM_AWAITED || v->since > now;
}

static void tell_stuck(struct write_context *x, const struct victim *v, int error)
{
	int64_t now = clock_monotonic(), before = atomic_load(&x->stuck_told);
	char name[OBJECT_NAME_SIZE];

	if ((before && now - before < LOG_EVERY) ||
		!atomic_compare_exchange_strong(&x->stuck_told, &before, now))
		return;
	object_file_name(&v->object, v->instance, name);
	log_warning(x->log,
		"cache: %s/objects/%s cannot be removed: %s: it goes on taking room in the "
		"cache, and maybe others like it",
		x->directory->path, name, error_text(error));
}

/* Nobody has it open, or nobody can tell: then whoever has it closes it soon. */
static enum victim_state remove_file(
	struct write_context *x, const struct victim *v, bool known)
{
	int rc = object_file_remove(x->directory, &v->object, v->instance);

	if (rc) {
		tell_stuck(x, v, rc);
		return VICTIM_STUCK;
	}
	return known ? VICTIM_GONE : VICTIM_HELD;
}

/* True when its space is free, as far as can be known. */
static bool look_at(struct removal *r, const struct victim *v, enum victim_state *state)
{
	if (r->when == VICTIM_FILES_FRESH)
		open_objects_forget(r->x->open_objects, &v->object, v->instance);
	switch (object_file_use(r->x->directory, &v->object, v->instance)) {
	case OBJECT_FILE_ABSENT:
		/* It never was there, or was removed a while ago. */
		*state = v->state;
		return r->when != VICTIM_FILES_LATER || is_old(v) ||
		       v->state == VICTIM_STUCK;
	case OBJECT_FILE_HELD:
		*state = is_old(v) ? VICTIM_STUCK : VICTIM_HELD;
		return false;
	case OBJECT_FILE_FREE:
		*state = remove_file(r->x, v, true);
		return false;
	default:
		*state = remove_file(r->x, v, false);
		return false;
	}
}

static void note_one(struct removal *r, const struct victim *v)
{
	enum victim_state state;

	if (look_at(r, v, &state)) {
		r->seen[r->seen_count++] = v->instance;
		return;
	}
	if (state == VICTIM_STUCK)
		r->stuck += v->cost;
	r->held = r->held || state == VICTIM_HELD;
	if (state == v->state)
		return;
	r->gone += state == VICTIM_GONE ? v->cost : 0;
	r->notes[r->note_count++] = (struct victim_note){v->instance, state};
}

/* Their space was seen to become free: then it is no longer to come. */
static void forget_gone(struct removal *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->note_count; i++) {
		if (r->notes[i].state == VICTIM_GONE)
			r->seen[r->seen_count++] = r->notes[i].instance;
		else
			r->notes[n++] = r->notes[i];
	}
	r->note_count = n;
}

/* When this cannot be noted now, housekeeping does it. */
static void victims_note_all(struct removal *r)
{
	struct changes c = {.seen = r->seen,
		.seen_count = r->seen_count,
		.notes = r->notes,
		.note_count = r->note_count};
	struct outcome o;

	if ((c.seen_count || c.note_count) && !write_context_commit(r->x, &c, &o))
		outcome_release(&o);
}

static void remove_some(struct removal *r, const struct victim *list, size_t count)
{
	uint64_t before = write_context_disk_free(r->x), after;

	for (size_t i = 0; i < count; i++)
		note_one(r, &list[i]);
	after = write_context_disk_free(r->x);
	/* Others write meanwhile: half of it tells that the file system frees at once, and
	 * then it does so every time. */
	if (r->gone && after >= before && after - before >= r->gone / 2)
		atomic_store(&r->x->frees_at_once, true);
	if (atomic_load(&r->x->frees_at_once) || r->when == VICTIM_FILES_LAST)
		forget_gone(r);
	victims_note_all(r);
	if (r->held && r->when == VICTIM_FILES_FRESH)
		directory_tell_evicted(r->x->directory);
}

uint64_t victim_files_remove(struct write_context *x, const struct victim *list,
	size_t count, enum victim_files when)
{
	uint64_t stuck = 0;

	while (count) {
		size_t n = count < AT_ONCE ? count : AT_ONCE;
		struct removal r = {.x = x, .when = when};

		remove_some(&r, list, n);
		stuck += r.stuck;
		list += n;
		count -= n;
	}
	return stuck;
}
