/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "publish/gc.h"
#include "publish/gc_sweep.h"
#include "util/clock.h"

/* A pass for each range of digests that finds place in memory. */
static int gc_passes(struct gc_sweep *s, struct gc_marks *m, struct trouble *t)
{
	uint64_t first = 0, width = UINT64_MAX;
	int rc;

	for (;;) {
		uint64_t last = width > UINT64_MAX - first ? UINT64_MAX : first + width;

		gc_marks_begin(m, first, last);
		rc = gc_marks_walk(m, t);
		if (!rc)
			rc = gc_sweep_flag(s, m, t);
		if (!rc)
			rc = gc_sweep_range(s, m, first, t);
		last = digest_flags_last(m->flags);
		if (rc || last == UINT64_MAX)
			return rc;
		width = last - first;
		first = last + 1;
	}
}

/* With the revisions as they are by now, and the marker made before they were read: who
 * publishes one later has seen it, or every list that is due. */
static int gc_collect(const struct gc_options *o, const struct gc_history *h,
	struct gc_sweep *s, struct gc_result *out, struct trouble *t)
{
	struct gc_marks marks;
	int rc = gc_marks_init(&marks, o, h);

	if (!rc)
		rc = gc_passes(s, &marks, t);
	if (!rc)
		rc = gc_sweep_finish(s, t);
	if (!rc && atomic_load(&marks.unusable))
		log_warning(o->log,
			"%llu blobs that revisions need are missing in the store %s, or "
			"damaged: cairn check tells which",
			(unsigned long long)atomic_load(&marks.unusable),
			store_name(o->store));
	out->passes = marks.pass;
	gc_marks_release(&marks);
	return rc;
}

static int gc_check(const struct gc_options *o, struct trouble *t)
{
	if (o->grace == 0 && !o->dry_run && !o->store->alone)
		return trouble_set(t, ERR_INVALID,
			"without a grace period, what a publisher relies on just now would "
			"be "
			"deleted: %s cannot be kept from others meanwhile",
			store_name(o->store));
	return 0;
}

int gc_run(const struct gc_options *o, struct gc_result *out, struct trouble *t)
{
	struct gc_result result = {0};
	struct gc_history history = {0};
	int64_t started = clock_monotonic();
	struct gc_sweep sweep;
	int rc = gc_check(o, t);

	if (rc)
		return rc;
	rc = gc_sweep_begin(&sweep, o, &result, t);
	if (!rc)
		rc = gc_history_read(&history, o, t);
	if (!rc)
		rc = gc_history_remove(&history, o, &result, t);
	if (!rc)
		rc = gc_collect(o, &history, &sweep, &result, t);
	gc_sweep_end(&sweep);
	gc_history_release(&history);
	result.took_ns = clock_monotonic() - started;
	if (!rc)
		*out = result;
	return rc;
}
