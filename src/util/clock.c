/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "util/clock.h"
#include "util/error.h"

#define SECONDS_PER_DAY 86400
/* 0000-01-01T00:00:00Z and 9999-12-31T23:59:59Z: what four digits can spell. */
#define SECONDS_MIN INT64_C(-62167219200)
#define SECONDS_MAX INT64_C(253402300799)

static int64_t clock_read(clockid_t id)
{
	struct timespec now = {0};
	int rc = clock_gettime(id, &now);

	assert(rc == 0);
	(void)rc;
	return (int64_t)now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

int64_t clock_monotonic(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

int64_t clock_coarse(void)
{
#ifdef CLOCK_MONOTONIC_COARSE
	return clock_read(CLOCK_MONOTONIC_COARSE);
#else
	return clock_monotonic();
#endif
}

int64_t clock_realtime(void)
{
	return clock_read(CLOCK_REALTIME);
}

/* Days from 1970-01-01 to a date of the Gregorian calendar, year 0 or later.
 * H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil. */
static int64_t days_of(int year, int month, int day)
{
	int y = year + 400 - (month <= 2); /* 400 years later: the same calendar, but > 0 */
	int era = y / 400, of_era = y % 400;
	int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int day_of_era = of_era * 365 + of_era / 4 - of_era / 100 + of_year;

	return (int64_t)era * 146097 + day_of_era - 719468 - 146097;
}

void clock_format(int64_t seconds, char text[CLOCK_TEXT_SIZE])
{
	struct tm tm = {0}, *done;
	time_t time;

	if (seconds < SECONDS_MIN)
		seconds = SECONDS_MIN;
	if (seconds > SECONDS_MAX)
		seconds = SECONDS_MAX;
	time = (time_t)seconds;
	done = gmtime_r(&time, &tm);
	assert(done); /* four-digit years: never out of range */
	(void)done;
	snprintf(text, CLOCK_TEXT_SIZE, "%04d-%02d-%02dT%02d:%02d:%02dZ",
		(tm.tm_year + 1900) % 10000, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		tm.tm_min, tm.tm_sec);
}

/* The decimal number of exactly `count` digits at `text`, or -1. */
static int digits(const char *text, int count)
{
	int value = 0;

	for (int i = 0; i < count; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = value * 10 + (text[i] - '0');
	}
	return value;
}

int clock_parse(const char *text, int64_t *seconds)
{
	char again[CLOCK_TEXT_SIZE];
	int year, month, day, hour, minute, second;
	int64_t value;

	if (strlen(text) != strlen("0000-00-00T00:00:00Z"))
		return ERR_CORRUPT;
	year = digits(text, 4);
	month = digits(text + 5, 2);
	day = digits(text + 8, 2);
	hour = digits(text + 11, 2);
	minute = digits(text + 14, 2);
	second = digits(text + 17, 2);
	if (year < 0 || month < 1 || month > 12 || day < 1 || hour < 0 || minute < 0 ||
		second < 0)
		return ERR_CORRUPT;
	value = days_of(year, month, day) * SECONDS_PER_DAY + hour * 3600 + minute * 60 +
		second;
	/* 31 April, 24:00, a space for the T: none of them is spelt so again. */
	clock_format(value, again);
	if (strcmp(text, again))
		return ERR_CORRUPT;
	*seconds = value;
	return 0;
}
