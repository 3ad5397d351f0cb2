/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/duration.h"

#include <inttypes.h>
#include <stdio.h>

#include "util/clock.h"

#define MINUTE 60
#define HOUR 3600
#define DAY 86400

const char *duration_text(uint64_t ns, char text[DURATION_TEXT])
{
	static const char *const units[] = {"us", "ms", "s"};
	double value = (double)ns / 1000;
	unsigned unit = 0;

	if (ns < 1000) {
		snprintf(text, DURATION_TEXT, "%" PRIu64 " ns", ns);
		return text;
	}
	if (ns >= (uint64_t)(MINUTE * NS_PER_SECOND))
		return duration_seconds_text(ns / (uint64_t)NS_PER_SECOND, text);
	/* 999.5 and more would be written as 1000. */
	while (value >= 999.5 && unit < 2) {
		value /= 1000;
		unit++;
	}
	snprintf(text, DURATION_TEXT, "%.*f %s", value < 9.95 ? 1 : 0, value, units[unit]);
	return text;
}

const char *duration_seconds_text(uint64_t seconds, char text[DURATION_TEXT])
{
	uint64_t s = seconds;

	if (s < MINUTE)
		snprintf(text, DURATION_TEXT, "%" PRIu64 " s", s);
	else if (s < HOUR)
		snprintf(text, DURATION_TEXT, "%" PRIu64 " min", s / MINUTE);
	else if (s < DAY)
		snprintf(text, DURATION_TEXT, "%" PRIu64 " h %" PRIu64 " min", s / HOUR,
			s % HOUR / MINUTE);
	else
		snprintf(text, DURATION_TEXT, "%" PRIu64 " d %" PRIu64 " h", s / DAY,
			s % DAY / HOUR);
	return text;
}
