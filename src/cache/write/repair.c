/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cache/meta/recount.h"
#include "cache/meta/table.h"
#include "cache/meta/transaction.h"
#include "cache/meta/victims.h"
#include "cache/objects/object_files.h"
#include "cache/write/evictor.h"
#include "cache/write/repair.h"

#define DEAD_MAX 64

struct sweep {
	struct write_context *x;
	uint64_t removed;
};

/* Its maker lives, or has committed a record of it. */
static bool is_wanted(
	struct write_context *x, const struct digest *digest, uint64_t instance)
{
	struct object_record r;
	struct span value;
	uint32_t maker = INSTANCE_USER(instance);
	MDB_txn *txn;
	bool wanted;

	/* In this order: once it is dead, all its commits are done. */
	if (directory_user_lives(x->directory, maker) || metadata_read(x->metadata, &txn))
		return true;
	wanted = table_get(x->metadata, txn, TABLE_OBJECTS, span_of_digest(digest),
			 &value) == 0 &&
		 object_record_peek(value, &r) == 0 && r.instance == instance;
	metadata_read_end(x->metadata, txn);
	return wanted;
}

static int sweep_file(void *ctx, const struct digest *digest, uint64_t instance)
{
	struct sweep *s = ctx;

	if (is_wanted(s->x, digest, instance))
		return 0;
	if (!object_file_remove(s->x->directory, digest, instance))
		s->removed++;
	return 0;
}

/* The next victim of a dead user. */
static int next_orphan(struct write_context *x, uint64_t at, struct victim *out)
{
	uint32_t user;
	MDB_txn *txn;
	int rc = metadata_read(x->metadata, &txn);

	if (rc)
		return rc;
	do {
		rc = victims_next(x->metadata, txn, at, out, &user);
		if (!rc && __builtin_add_overflow(out->instance, 1, &at))
			rc = ERR_ABSENT;
	} while (!rc && directory_user_lives(x->directory, user));
	metadata_read_end(x->metadata, txn);
	return rc;
}

/* What they threw out and did not come to unlink. */
static void finish_evictions(struct write_context *x)
{
	struct victim v = {.instance = 0};

	while (!next_orphan(x, v.instance, &v)) {
		struct changes c = {.seen = &v.instance, .seen_count = 1};
		struct outcome o;

		if (object_file_remove(x->directory, &v.digest, v.instance) ||
			transaction_commit(x->metadata, write_context_deadline(), &c, &o))
			break;
		outcome_release(&o);
	}
}

void repair_run(struct write_context *x)
{
	struct sweep s = {.x = x};
	uint32_t dead[DEAD_MAX];
	size_t count = evictor_find_dead(x, dead, DEAD_MAX);
	uint64_t broken = 0;
	int rc = recount(x->metadata, write_context_deadline(), dead, count, &broken);

	if (rc)
		log_warning(x->log, "cache: cannot count what %s holds: %s",
			x->directory->path, error_text(rc));
	finish_evictions(x);
	object_file_each(x->directory, sweep_file, &s);
	if (broken)
		log_warning(x->log, "cache: threw out %llu rotten records",
			(unsigned long long)broken);
	if (s.removed)
		log_info(x->log, "cache: removed %llu files that were left over",
			(unsigned long long)s.removed);
}
