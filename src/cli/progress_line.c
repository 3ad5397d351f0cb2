/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/progress_line.h"

#include <stdio.h>
#include <string.h>

#include "cli/size.h"
#include "util/printable.h"

#define BAR_LEAST 10
#define BAR_MOST 50
#define DAY (24L * 3600)

/* A part that is put where there is room; the text may be empty. */
#define PART_TEXT 128

enum part { PART_WHAT, PART_SHARE, PART_DONE, PART_TOTAL, PART_RATE, PART_LEFT, PART_NOTE };
#define PARTS (PART_NOTE + 1)

/* "1:02:03" */
static void put_left(const struct progress_state *s, char text[PART_TEXT])
{
	double left = s->total > s->done ? (double)(s->total - s->done) : 0;
	long seconds;

	if (s->rate <= 0 || left <= 0 || left / s->rate >= (double)(100 * DAY))
		return;
	seconds = (long)(left / s->rate + 0.5);
	if (seconds >= DAY)
		snprintf(text, PART_TEXT, "%ld d %ld h left", seconds / DAY,
			seconds % DAY / 3600);
	else if (seconds >= 3600)
		snprintf(text, PART_TEXT, "%ld:%02ld:%02ld left", seconds / 3600,
			seconds % 3600 / 60, seconds % 60);
	else
		snprintf(text, PART_TEXT, "%2ld:%02ld left", seconds / 60, seconds % 60);
}

static double share_of(const struct progress_state *s)
{
	return s->done < s->total ? (double)s->done / (double)s->total : 1;
}

/* What changes all the time keeps its width, as a rule. */
static void put_parts(const struct progress_state *s, char parts[PARTS][PART_TEXT])
{
	char size[SIZE_TEXT], rate[SIZE_TEXT + 2] = "";

	memset(parts, 0, PARTS * PART_TEXT);
	snprintf(parts[PART_WHAT], PART_TEXT, "%.20s", s->what);
	if (s->total)
		snprintf(parts[PART_SHARE], PART_TEXT, "%3d%%", (int)(share_of(s) * 100));
	snprintf(parts[PART_DONE], PART_TEXT, "%s", size_text(s->done, size));
	if (s->total)
		snprintf(parts[PART_TOTAL], PART_TEXT, "of %s", size_text(s->total, size));
	if (s->rate >= 0)
		snprintf(rate, sizeof rate, "%s/s", size_text((uint64_t)s->rate, size));
	snprintf(parts[PART_RATE], PART_TEXT, "%*s", rate[0] ? 10 : 0, rate);
	put_left(s, parts[PART_LEFT]);
	if (s->note)
		snprintf(parts[PART_NOTE], PART_TEXT, "%.100s", s->note);
}

/* The columns of those parts, with what stands between them. */
static size_t parts_width(char parts[PARTS][PART_TEXT])
{
	size_t width = 0;

	for (int i = 0; i < PARTS; i++)
		if (parts[i][0])
			width += strlen(parts[i]) + (width ? 1 : 0);
	return width;
}

static void append(char *line, const char *text)
{
	size_t n = strlen(line);

	snprintf(line + n, PROGRESS_COLUMNS_MAX + 1 - n, "%s%s", n ? " " : "", text);
}

static void append_bar(char *line, size_t width, double share)
{
	char bar[BAR_MOST + 3];
	size_t full = (size_t)(share * (double)width);

	bar[0] = '[';
	memset(bar + 1, '#', full);
	memset(bar + 1 + full, '.', width - full);
	memcpy(bar + 1 + width, "]", 2);
	append(line, bar);
}

void progress_line(const struct progress_state *s, unsigned columns,
	char line[PROGRESS_COLUMNS_MAX + 1])
{
	/* What goes first; that and how much is the last to stay. */
	static const enum part dispensable[] = {
		PART_NOTE, PART_TOTAL, PART_WHAT, PART_LEFT, PART_RATE, PART_SHARE};
	char parts[PARTS][PART_TEXT];
	size_t room = columns < PROGRESS_COLUMNS_MAX ? columns : PROGRESS_COLUMNS_MAX, bar;

	put_parts(s, parts);
	for (size_t i = 0;
		parts_width(parts) > room && i < sizeof dispensable / sizeof(int); i++)
		parts[dispensable[i]][0] = '\0';
	/* "[", "]" and a blank */
	bar = room > parts_width(parts) + 3 ? room - parts_width(parts) - 3 : 0;
	line[0] = '\0';
	for (int i = 0; i < PARTS; i++) {
		if (parts[i][0])
			append(line, parts[i]);
		if (i == PART_WHAT && s->total && bar >= BAR_LEAST)
			append_bar(line, bar < BAR_MOST ? bar : BAR_MOST, share_of(s));
	}
	line[room] = '\0';
	printable_clean(line);
}
