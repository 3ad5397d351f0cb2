/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cache/meta/recount.h"
#include "cache/meta/table.h"
#include "cache/objects/object_files.h"
#include "cache/write/evictor.h"
#include "cache/write/repair.h"

struct sweep {
	struct write_context *x;
	uint64_t removed;
};

/* Its maker lives, or has committed a record of it. */
static bool repair_is_wanted(
	struct write_context *x, const struct object_id *id, uint64_t instance)
{
	struct object_record r;
	struct span value;
	uint32_t maker = INSTANCE_USER(instance);
	MDB_txn *txn;
	bool wanted;

	/* In this order: once it is dead, all its commits are done. */
	if (directory_user_lives(x->directory, maker) || metadata_read(x->metadata, &txn))
		return true;
	wanted = table_get(x->metadata, txn, TABLE_OBJECTS, span_of_object(id), &value) ==
			 0 &&
		 object_record_peek(value, &r) == 0 && r.instance == instance;
	metadata_read_end(x->metadata, txn);
	return wanted;
}

static int sweep_file(void *ctx, const struct object_id *id, uint64_t instance)
{
	struct sweep *s = ctx;

	if (repair_is_wanted(s->x, id, instance))
		return 0;
	if (!object_file_remove(s->x->directory, id, instance))
		s->removed++;
	return 0;
}

void repair_run(struct write_context *x)
{
	struct sweep s = {.x = x};
	uint32_t dead[EVICTOR_DEAD_MAX];
	size_t count = evictor_find_dead(x, dead);
	uint64_t broken = 0;
	int rc = recount(x->metadata, write_context_deadline(), dead, count, &broken);

	if (rc == ERR_TIMEOUT)
		write_queue_ask_repair(x->queue); /* another time */
	else if (rc)
		log_warning(x->log, "cache: cannot count what %s holds: %s",
			x->directory->path, error_text(rc));
	object_file_each(x->directory, sweep_file, &s);
	if (broken)
		log_warning(x->log, "cache: threw out %llu rotten records",
			(unsigned long long)broken);
	if (s.removed)
		log_info(x->log, "cache: removed %llu files that were left over",
			(unsigned long long)s.removed);
}
