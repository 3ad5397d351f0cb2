/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/duration.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "util/clock.h"
#include "util/error.h"

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

static const struct {
	const char *name;
	uint64_t seconds;
} duration_units[] = {
	{"y", 365 * DAY},
	{"w", 7 * DAY},
	{"d", DAY},
	{"h", HOUR},
	{"min", MINUTE},
	{"s", 1},
};
#define UNIT_COUNT (sizeof duration_units / sizeof duration_units[0])
#define DURATION_MAX (UINT64_C(1000) * 365 * DAY)

/* The unit that *text begins with, from `first` on, and moves over. */
static size_t take_unit(const char **text, size_t first)
{
	for (size_t i = first; i < UNIT_COUNT; i++) {
		size_t size = strlen(duration_units[i].name);

		if (strncmp(*text, duration_units[i].name, size) == 0) {
			*text += size;
			return i;
		}
	}
	return UNIT_COUNT;
}

int duration_parse(const char *text, uint64_t *seconds)
{
	uint64_t total = 0;
	size_t next = 0;

	if (*text == '\0')
		return ERR_INVALID;
	while (*text != '\0') {
		uint64_t number = 0;
		size_t unit;

		if (*text < '0' || *text > '9')
			return ERR_INVALID;
		for (; *text >= '0' && *text <= '9' && number <= DURATION_MAX; text++)
			number = number * 10 + (uint64_t)(*text - '0');
		unit = take_unit(&text, next);
		if (unit == UNIT_COUNT ||
			number > DURATION_MAX / duration_units[unit].seconds)
			return ERR_INVALID;
		total += number * duration_units[unit].seconds;
		next = unit + 1;
	}
	if (total > DURATION_MAX)
		return ERR_INVALID;
	*seconds = total;
	return 0;
}
