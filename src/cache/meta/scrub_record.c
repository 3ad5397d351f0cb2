/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>
#include <string.h>

#include "cache/meta/records.h"
#include "cache/meta/scrub_record.h"

static_assert(sizeof(struct scrub_record) == 11 * 8 + 2 * DIGEST_SIZE,
	"compared as bytes: no padding");

static int scrub_record_load(struct metadata *m, MDB_txn *txn, struct scrub_record *out)
{
	int rc = setting_get(m, txn, SETTING_SCRUB, out, sizeof *out);

	if (rc == ERR_ABSENT || rc == ERR_CORRUPT) {
		*out = (struct scrub_record){.user = 0};
		rc = 0;
	}
	return rc;
}

int scrub_record_get(struct metadata *m, struct scrub_record *out)
{
	struct scrub_record r;
	MDB_txn *txn;
	int rc = metadata_read(m, &txn);

	if (rc)
		return rc;
	rc = scrub_record_load(m, txn, &r);
	metadata_read_end(m, txn);
	if (!rc)
		*out = r;
	return rc;
}

struct scrub_swap {
	struct metadata *m;
	const struct scrub_record *was, *now;
};

static int swap(MDB_txn *txn, void *arg)
{
	const struct scrub_swap *s = arg;
	struct scrub_record r;
	int rc = scrub_record_load(s->m, txn, &r);

	if (rc)
		return rc;
	if (memcmp(&r, s->was, sizeof r) != 0)
		return ERR_CHANGED;
	return setting_put(s->m, txn, SETTING_SCRUB, s->now, sizeof *s->now);
}

int scrub_record_swap(struct metadata *m, int64_t deadline, const struct scrub_record *was,
	const struct scrub_record *now)
{
	struct scrub_swap s = {m, was, now};

	return metadata_write(m, deadline, swap, &s);
}
