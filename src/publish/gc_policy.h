/* SPDX-License-Identifier: MIT */
/*
 * Which revisions are kept, in the words and by the rules of restic's forget: the last N,
 * and of each of the last N hours, days, weeks, months and years that have one the newest;
 * all within a time before the newest. A rule that has not found all its N keeps the oldest
 * revision, too. Times are in UTC, weeks those of ISO 8601. What one rule keeps is kept.
 * Pure.
 */
#ifndef CAIRN_PUBLISH_GC_POLICY_H
#define CAIRN_PUBLISH_GC_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum gc_rule { GC_LAST, GC_HOURLY, GC_DAILY, GC_WEEKLY, GC_MONTHLY, GC_YEARLY, GC_RULES };
#define GC_UNLIMITED UINT64_MAX
#define GC_SPAN_MAX 10000 /* of each unit */

/* By the calendar: a month is as long as it is. */
struct gc_span {
	unsigned years, months, days, hours;
};

/* All zeros: there is no rule, and all are kept. */
struct gc_policy {
	uint64_t keep[GC_RULES];
	struct gc_span within;
};

struct gc_revision {
	uint64_t number;
	int64_t created; /* seconds since 1970 */
	bool keep;
};

/* "30d", "1y6m", "2y5m7d3h": years, months, days, hours, each once, in this order.
 * ERR_INVALID. */
int gc_span_parse(const char *text, struct gc_span *out);
bool gc_policy_is_empty(const struct gc_policy *p);
/* Sets `keep` of those that are kept, and of no other takes it away. The highest number
 * comes first, and is kept always. */
void gc_policy_apply(
	const struct gc_policy *p, struct gc_revision *revisions, size_t count);

#endif
