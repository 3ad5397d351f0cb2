/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <time.h>

#include "cache/meta/records.h"
#include "cache/meta/settings.h"
#include "cache/meta/space.h"
#include "util/clock.h"

#define READ_PAUSE (50 * NS_PER_MS) /* between two tries */

struct entering {
	struct metadata *m;
	struct settings *settings;
};

/* What an older program kept is fetched again; what was accepted of which dataset, and
 * the limits, are not to be had again. */
static int settings_begin_anew(struct entering *e, MDB_txn *txn)
{
	static const enum table tables[] = {TABLE_PAGES, TABLE_OBJECTS, TABLE_CHUNKS,
		TABLE_PLACES, TABLE_USE, TABLE_PURGE, TABLE_VICTIMS, TABLE_LEASES,
		TABLE_PINS, TABLE_PINNED};
	int rc = table_delete(e->m, txn, TABLE_SETTINGS, span_of_string(SETTING_TOTALS));

	for (size_t i = 0; i < sizeof tables / sizeof tables[0] && !rc; i++)
		rc = table_clear(e->m, txn, tables[i]);
	return rc;
}

static int settings_put_layout(struct entering *e, MDB_txn *txn)
{
	const struct layout_record layout = {CACHE_LAYOUT, LAYOUT_ORDER};

	return setting_put(e->m, txn, SETTING_LAYOUT, &layout, sizeof layout);
}

static int check_layout(struct entering *e, MDB_txn *txn)
{
	struct layout_record layout;
	int rc = setting_get(e->m, txn, SETTING_LAYOUT, &layout, sizeof layout);

	if (rc == ERR_ABSENT)
		return settings_put_layout(e, txn);
	if (rc)
		return rc;
	if (layout.order != LAYOUT_ORDER || layout.layout == 0)
		return ERR_CORRUPT;
	e->settings->newer = layout.layout > CACHE_LAYOUT;
	if (e->settings->newer)
		return ERR_UNSUPPORTED;
	if (layout.layout == CACHE_LAYOUT)
		return 0;
	e->settings->older = true;
	if (!e->settings->alone)
		return ERR_BUSY;
	rc = settings_begin_anew(e, txn);
	return rc ? rc : settings_put_layout(e, txn);
}

static int set_limits(struct entering *e, MDB_txn *txn)
{
	const struct settings *s = e->settings;
	struct limits_record limits, before;
	int rc;

	if (!s->set_quota && !s->set_floor)
		return 0;
	rc = limits_load(e->m, txn, &limits);
	if (rc)
		return rc;
	before = limits;
	if (s->set_quota)
		limits.quota = s->quota;
	if (s->set_floor)
		limits.floor = s->floor;
	if (limits.quota == before.quota && limits.floor == before.floor)
		return 0;
	return setting_put(e->m, txn, SETTING_LIMITS, &limits, sizeof limits);
}

static int settings_apply(MDB_txn *txn, void *arg)
{
	struct entering *e = arg;
	int rc = check_layout(e, txn);

	if (!rc)
		rc = trust_epoch_enter(e->m, txn, &e->settings->epoch, e->settings->alone,
			e->settings->others, &e->settings->clean);
	if (!rc)
		rc = set_limits(e, txn);
	e->settings->clean = e->settings->clean && !e->settings->older;
	return rc;
}

/* Whoever holds LMDB's table of readers may let go of it. */
static int read_until(struct metadata *m, int64_t deadline, MDB_txn **txn)
{
	const struct timespec pause = {.tv_nsec = READ_PAUSE};
	int rc;

	while ((rc = metadata_read(m, txn)) == ERR_TIMEOUT && clock_monotonic() < deadline)
		nanosleep(&pause, NULL);
	return rc;
}

int settings_enter(struct metadata *m, int64_t deadline, struct settings *s)
{
	struct entering e = {m, s};
	MDB_txn *txn;
	int rc = read_until(m, deadline, &txn);

	/* As a rule nothing is to be written, and so nobody to be waited for. LMDB denies
	 * writing in a transaction that reads. */
	if (!rc) {
		rc = settings_apply(txn, &e);
		metadata_read_end(m, txn);
	}
	if (rc != ERR_DENIED)
		return rc;
	return metadata_write(m, deadline, settings_apply, &e);
}
