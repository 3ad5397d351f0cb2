/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cache/meta/space.h"
#include "cache/write/evictor.h"
#include "cache/write/trim.h"

#define MIB (UINT64_C(1) << 20)
#define TRIES 4 /* the metadata changes its size with what goes */

/* Bytes beyond the limits that were set. */
struct excess {
	uint64_t quota, floor;
};

static int trim_find_excess(
	struct write_context *x, bool quota, bool floor, struct excess *out)
{
	struct space s;
	int rc = space_look(x->metadata, write_context_disk_free(x), &s);

	if (rc)
		return rc;
	out->quota = quota ? space_over_quota(&s, 0) : 0;
	out->floor = floor ? space_under_floor(&s, 0) : 0;
	return 0;
}

static void warn(
	struct write_context *x, const char *limit, uint64_t missing, const char *than_what)
{
	log_warning(x->log,
		"cache: the %s set for %s cannot be kept: %s %llu MiB more than that: "
		"nothing is thrown out for it, and nothing new is kept meanwhile",
		limit, x->directory->path, than_what,
		(unsigned long long)((missing + MIB - 1) / MIB));
}

/* The larger of those that throwing things out can meet. */
static uint64_t what_helps(struct write_context *x, const struct excess *e)
{
	uint64_t most = e->quota > e->floor ? e->quota : e->floor;
	uint64_t reach = evictor_reach(x, most), goal = 0;

	if (e->quota > reach)
		warn(x, "quota", e->quota - reach,
			"what is pinned, open in mounts or metadata takes");
	else
		goal = e->quota;
	if (e->floor > reach)
		warn(x, "floor", e->floor - reach, "other files take");
	else if (e->floor > goal)
		goal = e->floor;
	return goal;
}

int trim_to_limits(struct write_context *x, bool quota, bool floor)
{
	struct evictor_goal goal = {.cost = 0};
	struct evictor_result done = {.cost = 1};
	struct excess e;
	int rc = quota || floor ? evictor_end_leases(x) : 0;

	if (!quota && !floor)
		return 0;
	for (unsigned i = 0; !rc && i < TRIES && done.cost; i++) {
		rc = trim_find_excess(x, quota, floor, &e);
		if (!rc)
			goal.cost = what_helps(x, &e);
		if (rc || !goal.cost)
			break;
		rc = evictor_run(x, &goal, &done);
	}
	return rc;
}
