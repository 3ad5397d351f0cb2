/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>

#include "cache/meta/eviction.h"
#include "cache/meta/object_ops.h"
#include "cache/meta/pages.h"
#include "cache/meta/pins.h"
#include "cache/meta/purge.h"
#include "cache/meta/transaction.h"
#include "cache/meta/victims.h"

void outcome_release(struct outcome *o)
{
	free(o->gone);
	*o = (struct outcome){0};
}

struct transaction {
	struct metadata *m;
	struct changes *changes;
	struct outcome outcome;
};

/* Nothing of an earlier run, whose map was too small. */
static void transaction_begin(struct transaction *t)
{
	struct victim *gone = t->outcome.gone;
	size_t capacity = t->outcome.gone_capacity;

	t->outcome = (struct outcome){.gone = gone,
		.gone_capacity = capacity,
		.leased = t->changes->leased,
		.granted = true,
		.pages_kept = true};
}

static int note_victims(struct transaction *t, MDB_txn *txn)
{
	const struct changes *c = t->changes;
	int rc = 0;

	for (size_t i = 0; i < c->seen_count && !rc; i++)
		rc = victims_remove(t->m, txn, c->seen[i]);
	for (size_t i = 0; i < c->note_count && !rc; i++)
		rc = victims_note(t->m, txn, &c->notes[i]);
	return rc;
}

/* Everything that makes room. */
static int apply_removals(struct transaction *t, struct space *s)
{
	const struct changes *c = t->changes;
	int rc = space_end_leases(s, c->dead, c->dead_count);

	return rc ? rc : eviction_apply(s, c, &t->outcome);
}

static bool has_marks(const struct changes *c)
{
	for (size_t i = 0; i < c->op_count; i++)
		if (c->ops[i].kind == CHANGE_MARK)
			return true;
	return false;
}

static int apply_ops(struct transaction *t, struct space *s, uint64_t *applied)
{
	const struct changes *c = t->changes;
	int rc = 0;

	*applied = 0;
	if (has_marks(c))
		rc = trust_epoch_mark(t->m, s->txn, &c->epoch);
	if (!rc)
		rc = object_ops_apply(s, c, &t->outcome, &t->outcome.released, applied);
	return rc;
}

/* Everything that takes room. */
static int apply_additions(struct transaction *t, struct space *s)
{
	const struct changes *c = t->changes;
	struct outcome *o = &t->outcome;
	uint64_t applied;
	int rc = apply_ops(t, s, &applied);

	if (!rc)
		rc = pages_apply(s, c, o);
	if (!rc && c->renew)
		rc = space_renew_lease(s, c, o->released, applied, o);
	return rc;
}

static int transaction_apply(MDB_txn *txn, void *arg)
{
	struct transaction *t = arg;
	const struct changes *c = t->changes;
	struct space s;
	int rc;

	transaction_begin(t);
	/* Before the sum of what is still to become free. */
	rc = note_victims(t, txn);
	if (rc)
		goto out;
	rc = space_begin(&s, t->m, txn, c->disk_free, &t->outcome.rot);
	if (rc)
		goto out;
	rc = pins_apply(t->m, txn, c);
	if (rc)
		goto out;
	rc = apply_removals(t, &s);
	if (rc)
		goto out;
	rc = apply_additions(t, &s);
	if (rc)
		goto out;
	rc = purge_some(t->m, txn, &t->outcome.more);
	if (!rc)
		rc = space_end(&s);
out:
	return rc;
}

int transaction_commit(struct metadata *m, struct changes *c, struct outcome *out)
{
	struct transaction t = {.m = m, .changes = c};
	int rc = metadata_write_locked(m, transaction_apply, &t);

	if (rc)
		outcome_release(&t.outcome);
	else
		*out = t.outcome;
	return rc;
}
