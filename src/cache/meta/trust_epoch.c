/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cache/meta/records.h"
#include "cache/meta/trust_epoch.h"
#include "cache/meta/unflushed.h"
#include "util/clock.h"

/* As stored. A record that is lost or rotten tells nothing of the generations that there
 * were: then the clock gives a number that none of them had. */
struct epoch_record {
	uint64_t boot;
	uint64_t generation;
	uint64_t clean; /* all that was marked is known to be on the disk */
};

static int epoch_get(
	struct metadata *m, MDB_txn *txn, struct epoch_record *out, bool *exists)
{
	struct epoch_record r = {0};
	int rc = setting_get(m, txn, SETTING_BOOT, &r, sizeof r);

	if (rc && rc != ERR_ABSENT && rc != ERR_CORRUPT)
		return rc;
	*exists = !rc;
	if (rc)
		r = (struct epoch_record){.generation = (uint64_t)clock_realtime(),
			.clean = rc == ERR_ABSENT};
	*out = r;
	return 0;
}

/* The generation never goes down, whoever writes. */
static int epoch_put(
	struct metadata *m, MDB_txn *txn, uint64_t boot, uint64_t generation, bool clean)
{
	struct epoch_record r;
	bool exists;
	int rc = epoch_get(m, txn, &r, &exists);

	if (rc)
		return rc;
	if (generation > r.generation)
		r.generation = generation;
	r.boot = boot;
	r.clean = clean;
	return setting_put(m, txn, SETTING_BOOT, &r, sizeof r);
}

/* Who was here before is gone: what is its objects' and not known to be flushed is looked
 * at; all is, when the machine, the file system or the books are others. */
static int succeed(struct metadata *m, MDB_txn *txn, struct epoch_record *r, uint64_t boot,
	bool others)
{
	bool all;
	int rc = unflushed_distrust_all(m, txn, &all);

	if (rc)
		return rc;
	if (all || others || (!r->clean && r->boot != boot))
		r->generation++;
	r->boot = boot;
	return 0;
}

int trust_epoch_enter(struct metadata *m, MDB_txn *txn, struct trust_epoch *e, bool alone,
	bool others, bool *clean)
{
	struct epoch_record r;
	bool exists;
	int rc = epoch_get(m, txn, &r, &exists);

	if (rc)
		return rc;
	if (!exists)
		r.boot = e->boot;
	else if (alone)
		rc = succeed(m, txn, &r, e->boot, others);
	if (alone && others)
		r.clean = false; /* until all is looked through, and flushed */
	*clean = r.clean;
	if (!rc && (alone || !exists))
		rc = setting_put(m, txn, SETTING_BOOT, &r, sizeof r);
	if (!rc)
		e->generation = r.generation;
	return rc;
}

int trust_epoch_mark(struct metadata *m, MDB_txn *txn, const struct trust_epoch *e)
{
	struct epoch_record r;
	bool exists;
	int rc = epoch_get(m, txn, &r, &exists);

	if (rc || (exists && !r.clean))
		return rc;
	return epoch_put(m, txn, e->boot, e->generation, false);
}

bool trust_epoch_is_clean(struct metadata *m)
{
	struct epoch_record r;
	bool exists;
	MDB_txn *txn;
	int rc = metadata_read(m, &txn);

	if (rc)
		return true; /* nothing can be said, so nothing is */
	rc = epoch_get(m, txn, &r, &exists);
	metadata_read_end(m, txn);
	return rc || !exists || r.clean;
}

struct epoch_change {
	struct metadata *m;
	struct trust_epoch epoch;
};

static int set_flushed(MDB_txn *txn, void *arg)
{
	const struct epoch_change *c = arg;

	/* Of one that died, or of a file whose flush failed. */
	if (table_count(c->m, txn, TABLE_UNFLUSHED))
		return 0;
	return epoch_put(c->m, txn, c->epoch.boot, c->epoch.generation, true);
}

int trust_epoch_flushed(struct metadata *m, int64_t deadline, const struct trust_epoch *e)
{
	struct epoch_change c = {m, *e};

	return metadata_write(m, deadline, set_flushed, &c);
}

static int set_failed(MDB_txn *txn, void *arg)
{
	struct epoch_change *c = arg;
	struct epoch_record r;
	bool exists;
	int rc = epoch_get(c->m, txn, &r, &exists);

	if (rc)
		return rc;
	c->epoch.generation = r.generation + 1;
	return epoch_put(c->m, txn, c->epoch.boot, c->epoch.generation, false);
}

int trust_epoch_failed(struct metadata *m, int64_t deadline, struct trust_epoch *e)
{
	struct epoch_change c = {m, *e};
	int rc = metadata_write(m, deadline, set_failed, &c);

	if (!rc)
		e->generation = c.epoch.generation;
	return rc;
}

int trust_epoch_generation(struct metadata *m, MDB_txn *txn, uint64_t *generation)
{
	struct epoch_record r;
	bool exists;
	int rc = epoch_get(m, txn, &r, &exists);

	if (!rc && !exists)
		rc = ERR_ABSENT;
	if (!rc)
		*generation = r.generation;
	return rc;
}
