/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/open_mode.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Above this mean size of a file passthrough saves more time than elided opens do. */
#define LARGE_FILES (UINT64_C(1) << 20) /* bytes */

static const char *const names[] = {
	[OPEN_AUTO] = "auto",
	[OPEN_ELIDE] = "elide",
	[OPEN_PASSTHROUGH] = "passthrough",
	[OPEN_PLAIN] = "plain",
};

const char *open_mode_name(enum open_mode mode)
{
	return names[mode];
}

int open_mode_parse(const char *name, enum open_mode *out)
{
	for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
		if (strcmp(names[i], name) == 0) {
			*out = (enum open_mode)i;
			return 0;
		}
	}
	return ERR_INVALID;
}

static void choose(struct open_choice *c, enum open_mode mode, const char *reason)
{
	c->mode = mode;
	snprintf(c->reason, sizeof c->reason, "%s", reason);
}

static void choose_by_size(
	struct open_choice *c, const struct totals *totals, const struct open_means *means)
{
	uint64_t mean = totals->files ? totals->bytes / totals->files : 0;
	bool large = mean >= LARGE_FILES;

	c->mode = OPEN_PLAIN;
	if (large && !means->no_passthrough)
		c->mode = OPEN_PASSTHROUGH;
	else if (means->elide)
		c->mode = OPEN_ELIDE;
	snprintf(c->reason, sizeof c->reason,
		"%" PRIu64 " files of %" PRIu64 " KiB in the mean, in %" PRIu64
		" objects%s%s",
		totals->files, mean >> 10, totals->objects,
		large && means->no_passthrough ? "; no passthrough: " : "",
		large && means->no_passthrough ? means->no_passthrough : "");
}

void open_mode_choose(enum open_mode asked, const struct totals *totals,
	const struct open_means *means, struct open_choice *out)
{
	struct open_choice c = {.as_asked = true};

	if (asked == OPEN_AUTO) {
		choose_by_size(&c, totals, means);
	} else if (asked == OPEN_ELIDE && !means->elide) {
		c.as_asked = false;
		choose(&c, OPEN_PLAIN, "the kernel cannot leave opens out");
	} else if (asked == OPEN_PASSTHROUGH && means->no_passthrough) {
		c.as_asked = false;
		choose(&c, OPEN_PLAIN, means->no_passthrough);
	} else {
		choose(&c, asked, "asked for");
	}
	*out = c;
}
