/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/size.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/error.h"

static const char suffixes[] = "kMGTP";

int size_parse(const char *text, uint64_t *bytes)
{
	char *end;
	double value;
	const char *suffix;

	if (!isdigit((unsigned char)text[0]))
		return ERR_INVALID;
	errno = 0;
	value = strtod(text, &end);
	/* Not what strtod() takes beyond: hexadecimal, exponents. */
	if (errno || end != text + strspn(text, "0123456789.") || !isfinite(value))
		return ERR_INVALID;
	if (*end) {
		suffix = strchr(suffixes, *end == 'K' ? 'k' : *end);
		if (suffix && *end) {
			value = ldexp(value, 10 * (int)(suffix - suffixes + 1));
			end++;
			if (end[0] == 'i')
				end++;
		}
		if (end[0] == 'B')
			end++;
	}
	if (*end || value >= 9.2e18)
		return ERR_INVALID;
	*bytes = (uint64_t)value;
	return 0;
}

int number_parse(const char *text, uint64_t max, uint64_t *out)
{
	char *end;
	unsigned long long value;

	if (!isdigit((unsigned char)text[0]))
		return ERR_INVALID;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || *end || value > max)
		return ERR_INVALID;
	*out = value;
	return 0;
}

const char *size_text(uint64_t bytes, char text[SIZE_TEXT])
{
	double value = (double)bytes;
	int unit = -1;

	/* 1023.5 and more would be written as 1024. */
	while (value >= (unit < 0 ? 1024 : 1023.5) && suffixes[unit + 1]) {
		value /= 1024;
		unit++;
	}
	if (unit < 0)
		snprintf(text, SIZE_TEXT, "%d B", (int)bytes);
	else
		snprintf(text, SIZE_TEXT, "%.*f %ciB", value < 99.95 ? 1 : 0, value,
			suffixes[unit] == 'k' ? 'K' : suffixes[unit]);
	return text;
}
