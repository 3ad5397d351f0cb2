/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "publish/gc_policy.h"
#include "util/error.h"

static int span_number(const char **at, unsigned *out)
{
	unsigned long value = 0;

	if (!isdigit((unsigned char)**at))
		return ERR_INVALID;
	while (isdigit((unsigned char)**at)) {
		value = value * 10 + (unsigned long)(*(*at)++ - '0');
		if (value > GC_SPAN_MAX)
			return ERR_INVALID;
	}
	*out = (unsigned)value;
	return 0;
}

int gc_span_parse(const char *text, struct gc_span *out)
{
	static const char units[] = "ymdh";
	unsigned values[4] = {0}, value, next = 0;

	if (*text == '\0')
		return ERR_INVALID;
	while (*text) {
		const char *unit;

		if (span_number(&text, &value) || *text == '\0')
			return ERR_INVALID;
		unit = strchr(units, *text++);
		if (!unit || (unsigned)(unit - units) < next)
			return ERR_INVALID;
		values[unit - units] = value;
		next = (unsigned)(unit - units) + 1;
	}
	*out = (struct gc_span){values[0], values[1], values[2], values[3]};
	return 0;
}

static bool span_is_empty(const struct gc_span *s)
{
	return !s->years && !s->months && !s->days && !s->hours;
}

bool gc_policy_is_empty(const struct gc_policy *p)
{
	for (size_t i = 0; i < GC_RULES; i++)
		if (p->keep[i])
			return false;
	return span_is_empty(&p->within);
}

/* The time that lies so long before. */
static int64_t span_before(int64_t when, const struct gc_span *s)
{
	time_t seconds = (time_t)when;
	struct tm tm;

	if (!gmtime_r(&seconds, &tm))
		return INT64_MIN;
	tm.tm_year -= (int)s->years;
	tm.tm_mon -= (int)s->months;
	tm.tm_mday -= (int)s->days;
	return (int64_t)timegm(&tm) - (int64_t)s->hours * 3600;
}

/* Equal for two times of one hour, one day, ... */
static int64_t rule_period(enum gc_rule rule, const struct gc_revision *r)
{
	time_t seconds = (time_t)r->created;
	char week[16];
	struct tm tm;
	int64_t month;

	if (rule == GC_LAST || !gmtime_r(&seconds, &tm))
		return (int64_t)r->number;
	month = ((int64_t)tm.tm_year + 1900) * 12 + tm.tm_mon;
	switch (rule) {
	case GC_YEARLY:
		return tm.tm_year;
	case GC_MONTHLY:
		return month;
	case GC_WEEKLY:
		strftime(week, sizeof week, "%G%V", &tm);
		return strtol(week, NULL, 10);
	case GC_DAILY:
		return month * 32 + tm.tm_mday;
	default:
		return (month * 32 + tm.tm_mday) * 24 + tm.tm_hour;
	}
}

static void rule_apply(
	enum gc_rule rule, uint64_t left, struct gc_revision *revisions, size_t count)
{
	int64_t last = 0;

	for (size_t i = 0; i < count && left > 0; i++) {
		int64_t period = rule_period(rule, &revisions[i]);

		if (i > 0 && period == last && i + 1 < count)
			continue;
		revisions[i].keep = true;
		last = period;
		if (left != GC_UNLIMITED)
			left--;
	}
}

void gc_policy_apply(const struct gc_policy *p, struct gc_revision *revisions, size_t count)
{
	bool all = gc_policy_is_empty(p), within = !span_is_empty(&p->within);
	int64_t since = count > 0 ? span_before(revisions[0].created, &p->within) : 0;

	for (int rule = 0; rule < GC_RULES; rule++)
		rule_apply((enum gc_rule)rule, p->keep[rule], revisions, count);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || all || (within && revisions[i].created > since))
			revisions[i].keep = true;
}
