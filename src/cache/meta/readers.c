/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>

#include "cache/meta/free_pages.h"
#include "cache/meta/readers.h"

#define COMMITS_LATE 100 /* those before belong to who just takes his time */

struct oldest_reader {
	MDB_env *env;
	size_t txn; /* SIZE_MAX: nobody reads */
	int pid;
};

/* One line: process, thread, transaction; the first one, and those of slots that nobody
 * reads in, have no number at the end. */
static int note_reader(const char *line, void *arg)
{
	struct oldest_reader *r = arg;
	size_t thread, txn;
	int pid;

	if (sscanf(line, "%d %zx %zu", &pid, &thread, &txn) == 3 && txn < r->txn) {
		r->txn = txn;
		r->pid = pid;
	}
	return 0;
}

static int call_list_readers(void *arg)
{
	struct oldest_reader *r = arg;

	r->txn = SIZE_MAX;
	return mdb_reader_list(r->env, note_reader, r) < 0 ? MDB_CORRUPTED : 0;
}

/* How many commits ago the oldest one began. */
static int look_for_oldest(
	struct metadata *m, MDB_txn *txn, struct oldest_reader *r, uint64_t *late)
{
	size_t now = mdb_txn_id(txn);
	int rc = metadata_call(m, call_list_readers, r);

	if (!rc)
		*late = r->txn < now ? now - r->txn : 0;
	return rc;
}

int readers_look(struct metadata *m, MDB_txn *txn, struct readers_lag *out)
{
	struct oldest_reader r = {.env = mdb_txn_env(txn)};
	uint64_t late;
	int rc = look_for_oldest(m, txn, &r, &late);

	if (!rc && late >= COMMITS_LATE) {
		metadata_check_readers(m);
		rc = look_for_oldest(m, txn, &r, &late);
	}
	if (rc)
		return rc;
	*out = (struct readers_lag){0};
	if (late >= COMMITS_LATE)
		*out = (struct readers_lag){late, free_pages_since(m, r.txn), r.pid};
	return 0;
}
