/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/time_words.h"
#include "util/clock.h"
#include "util/error.h"

#define SECONDS_DIGITS_MAX 12 /* thirty thousand years */
#define DATE_SIZE 10	      /* "2026-11-27" */
#define TIME_SIZE 8	      /* "06:14:01" */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Up to nine digits of a second behind the '.' at *text, which moves over all. */
static int take_fraction(const char **text, uint32_t *nanoseconds)
{
	uint32_t value = 0, unit = 100000000;
	const char *at = *text;

	if (*at != '.') {
		*nanoseconds = 0;
		return 0;
	}
	if (!is_digit(*++at))
		return ERR_INVALID;
	for (; is_digit(*at); at++, unit /= 10)
		value += (uint32_t)(*at - '0') * unit;
	*nanoseconds = value;
	*text = at;
	return 0;
}

/* "@123.5", "@-1" */
static int parse_epoch(const char *text, int64_t *seconds, uint32_t *nanoseconds)
{
	bool negative = *text == '-';
	int64_t value = 0;
	uint32_t fraction;
	unsigned digits = 0;

	text += negative;
	for (; is_digit(*text) && digits <= SECONDS_DIGITS_MAX; text++, digits++)
		value = value * 10 + (*text - '0');
	if (digits == 0 || digits > SECONDS_DIGITS_MAX || take_fraction(&text, &fraction) ||
		*text != '\0')
		return ERR_INVALID;
	value = negative ? -value : value;
	if (negative && fraction > 0) { /* counted upwards from the second before */
		value--;
		fraction = 1000000000 - fraction;
	}
	*seconds = value;
	*nanoseconds = fraction;
	return 0;
}

/* Nothing, "Z", "+01:00": seconds to the east of UTC. */
static int parse_zone(const char *text, int64_t *east)
{
	int hours, minutes, end = 0;

	*east = 0;
	if (*text == '\0' || strcmp(text, "Z") == 0 || strcmp(text, "z") == 0)
		return 0;
	if ((*text != '+' && *text != '-') || !is_digit(text[1]) || !is_digit(text[2]) ||
		text[3] != ':' || !is_digit(text[4]) || !is_digit(text[5]) ||
		sscanf(text + 1, "%2d:%2d%n", &hours, &minutes, &end) != 2 ||
		text[1 + end] != '\0' || hours > 23 || minutes > 59)
		return ERR_INVALID;
	*east = hours * 3600 + minutes * 60;
	if (*text == '-')
		*east = -*east;
	return 0;
}

int time_words_parse(const char *text, int64_t *seconds, uint32_t *nanoseconds)
{
	char plain[DATE_SIZE + 1 + TIME_SIZE + 2] = "0000-00-00T00:00:00Z";
	size_t size = strlen(text);
	uint32_t fraction = 0;
	int64_t value, east = 0;

	if (*text == '@')
		return parse_epoch(text + 1, seconds, nanoseconds);
	if (size < DATE_SIZE)
		return ERR_INVALID;
	memcpy(plain, text, DATE_SIZE);
	text += DATE_SIZE;
	if (*text != '\0') {
		bool whole = size >= DATE_SIZE + 1 + TIME_SIZE && text[6] == ':';
		size_t some = whole ? TIME_SIZE : TIME_SIZE - 3; /* "06:14" */

		if ((*text != 'T' && *text != 't' && *text != ' ') ||
			size < DATE_SIZE + 1 + some)
			return ERR_INVALID;
		memcpy(plain + DATE_SIZE + 1, text + 1, some);
		text += 1 + some;
		if ((whole && take_fraction(&text, &fraction)) || parse_zone(text, &east))
			return ERR_INVALID;
	}
	if (clock_parse(plain, &value))
		return ERR_INVALID;
	*seconds = value - east;
	*nanoseconds = fraction;
	return 0;
}
