/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cache/meta/recount.h"
#include "cache/meta/table.h"
#include "cache/objects/object_files.h"
#include "cache/write/evictor.h"
#include "cache/write/repair.h"

#define AT_ONCE 256
#define SLACK 8192 /* bytes: file systems take some for themselves */

struct sweep {
	struct write_context *x;
	uint64_t removed;
	struct change measured[AT_ONCE];
	size_t measured_count;
};

/* The record of that instance. ERR_ABSENT. */
static int record_of(struct write_context *x, const struct object_id *id, uint64_t instance,
	struct object_record *r)
{
	struct span value;
	MDB_txn *txn;
	int rc = metadata_read(x->metadata, &txn);

	if (rc)
		return rc;
	rc = table_get(x->metadata, txn, TABLE_OBJECTS, span_of_object(id), &value);
	if (!rc)
		rc = object_record_peek(value, r);
	metadata_read_end(x->metadata, txn);
	return rc == ERR_CORRUPT || (!rc && r->instance != instance) ? ERR_ABSENT : rc;
}

static int note_measured(struct sweep *s)
{
	struct changes c = {.ops = s->measured, .op_count = s->measured_count};
	struct outcome o;
	int rc = s->measured_count ? write_context_commit(s->x, &c, &o) : 0;

	if (!rc && s->measured_count)
		outcome_release(&o);
	s->measured_count = 0;
	return rc;
}

/* Who was killed has written more than the record has, or what it had of that was written
 * again since: then the file itself tells. */
static int sweep_measure(struct sweep *s, const struct object_id *id, uint64_t instance,
	const struct object_record *r)
{
	uint64_t cost = object_file_cost(s->x->directory, id, instance);
	bool measured = r->cost > r->resident + SLACK * r->present;

	if (!cost || (cost <= r->cost + SLACK && !(measured && cost + SLACK < r->cost)))
		return 0;
	s->measured[s->measured_count++] = (struct change){
		.kind = CHANGE_MEASURE, .object = *id, .instance = instance, .size = cost};
	return s->measured_count == AT_ONCE ? note_measured(s) : 0;
}

/* May its maker still make a record of it? What this process made for books that are gone
 * is known to none, unless its first mark is yet to come. */
static bool may_be_recorded(
	struct write_context *x, const struct object_id *id, uint64_t instance)
{
	uint32_t user = INSTANCE_USER(instance);
	struct object *o;
	bool may;

	if (user != x->directory->user || !x->has_strays)
		return directory_user_lives(x->directory, user);
	o = open_objects_find(x->open_objects, id);
	may = o && o->instance == instance && !atomic_load(&o->recorded);
	object_put(o);
	return may;
}

/* Wanted is what its maker may still make a record of, and what has one. */
static int sweep_file(void *ctx, const struct object_id *id, uint64_t instance)
{
	struct sweep *s = ctx;
	struct object_record r;
	/* In this order: once it cannot be recorded any more, all commits of it are done.
	 */
	bool awaited = may_be_recorded(s->x, id, instance);
	int rc = record_of(s->x, id, instance, &r);

	if (!rc)
		return sweep_measure(s, id, instance, &r);
	if (rc != ERR_ABSENT || awaited)
		return 0;
	if (!object_file_remove(s->x->directory, id, instance))
		s->removed++;
	return 0;
}

/* All files: those that nobody wants go, the others are looked at. */
static int sweep_files(struct sweep *s)
{
	int rc = object_file_each(s->x->directory, sweep_file, s);

	if (!rc)
		s->x->has_strays = false;
	return rc ? rc : note_measured(s);
}

void repair_run(struct write_context *x)
{
	struct sweep s = {.x = x};
	uint32_t dead[EVICTOR_DEAD_MAX];
	size_t count = evictor_find_dead(x, dead);
	uint64_t broken = 0;
	int rc = recount(x->metadata, write_context_deadline(x) - clock_monotonic(), dead,
		count, &broken);

	if (rc == ERR_TIMEOUT)
		write_queue_ask_repair(x->queue); /* another time */
	else if (rc)
		log_warning(x->log, "cache: cannot count what %s holds: %s",
			x->directory->path, error_text(rc));
	if (sweep_files(&s) == ERR_TIMEOUT)
		write_queue_ask_repair(x->queue);
	if (broken)
		log_warning(x->log, "cache: threw out %llu rotten records",
			(unsigned long long)broken);
	if (s.removed)
		log_info(x->log, "cache: removed %llu files that were left over",
			(unsigned long long)s.removed);
}
