/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cache/meta/records.h"
#include "cache/meta/settings.h"
#include "cache/meta/space.h"

struct entering {
	struct metadata *m;
	struct settings *settings;
};

static int check_layout(struct entering *e, MDB_txn *txn)
{
	struct layout_record layout;
	int rc = setting_get(e->m, txn, SETTING_LAYOUT, &layout, sizeof layout);

	if (rc == ERR_ABSENT) {
		layout = (struct layout_record){CACHE_LAYOUT, LAYOUT_ORDER};
		return setting_put(e->m, txn, SETTING_LAYOUT, &layout, sizeof layout);
	}
	if (rc)
		return rc;
	if (layout.order != LAYOUT_ORDER)
		return ERR_CORRUPT;
	e->settings->newer = layout.layout > CACHE_LAYOUT;
	if (e->settings->newer)
		return ERR_UNSUPPORTED;
	return layout.layout == CACHE_LAYOUT ? 0 : ERR_CORRUPT;
}

static int set_limits(struct entering *e, MDB_txn *txn)
{
	const struct settings *s = e->settings;
	struct limits_record limits;
	int rc;

	if (!s->set_quota && !s->set_floor)
		return 0;
	rc = limits_load(e->m, txn, &limits);
	if (rc)
		return rc;
	if (s->set_quota)
		limits.quota = s->quota;
	if (s->set_floor)
		limits.floor = s->floor;
	return setting_put(e->m, txn, SETTING_LIMITS, &limits, sizeof limits);
}

static int settings_apply(MDB_txn *txn, void *arg)
{
	struct entering *e = arg;
	int rc = check_layout(e, txn);

	if (!rc)
		rc = trust_epoch_enter(e->m, txn, &e->settings->epoch, &e->settings->clean);
	if (!rc)
		rc = set_limits(e, txn);
	return rc;
}

int settings_enter(struct metadata *m, int64_t deadline, struct settings *s)
{
	struct entering e = {m, s};

	return metadata_write(m, deadline, settings_apply, &e);
}
