/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/report_map.h"

#include <stdio.h>
#include <string.h>

#include "cli/entry_text.h"
#include "cli/size.h"
#include "cli/treemap.h"

#define MAP_WIDTH 1200.0
#define MAP_HEIGHT 460.0
#define BOX_LEAST 2.0 /* what is smaller is not seen */
#define BOX_GAP 0.75  /* between boxes */
#define NAME_MOST 80  /* characters */
#define PATH_MOST 200
#define LETTER 6.2 /* wide, about */
#define LETTER_BOLD 7.2
#define LABEL_HEIGHT 15.0
#define LABEL_LEAST 7 /* letters of a name */
#define DAY (INT64_C(24) * 3600)

struct report_map {
	struct html *html;
	int64_t now;
};

unsigned report_age(int64_t last_use, int64_t now)
{
	static const int64_t ages[] = {DAY, 7 * DAY, 30 * DAY, 365 * DAY};
	unsigned age = 0;

	while (age < 4 && now - last_use >= ages[age])
		age++;
	return age;
}

static double resident_share(const struct size_sums *s)
{
	return s->bytes ? (double)s->resident / (double)s->bytes : 0;
}

/* In at most so many characters. */
static void put_name_of(struct html *h, const struct size_node *n, unsigned most)
{
	if (n->name)
		html_text(h, n->name, most);
	else
		html_format(h, "%llu %s", (unsigned long long)n->sums.files,
			n->sums.files == 1 ? "small file" : "small files");
}

/* What is shown when the pointer rests on it. */
static void put_title(struct html *h, const struct size_node *n, const char *path)
{
	char size[SIZE_TEXT], here[SIZE_TEXT], when[TIME_TEXT];

	html_put(h, "<title>");
	if (*path) {
		html_text(h, path, PATH_MOST);
		html_put(h, "/");
	}
	put_name_of(h, n, NAME_MOST);
	html_format(h, "\n%s, %s in the cache (%d%%)", size_text(n->sums.bytes, size),
		size_text(n->sums.resident, here), (int)(resident_share(&n->sums) * 100));
	if (n->sums.last_use) {
		time_text(n->sums.last_use, 0, when);
		html_format(h, "\nlast used %.16s", when);
	}
	if (n->is_directory)
		html_format(h, "\n%llu files", (unsigned long long)n->sums.files);
	html_put(h, "</title>");
}

/* How many characters there is room for: one less, for what tells of more. */
static unsigned room_for(double width, double letter)
{
	double room = (width - 6) / letter - 1;

	return room < 1 ? 1 : room > NAME_MOST ? NAME_MOST : (unsigned)room;
}

static void put_directory(struct html *h, const struct size_node *n, const char *path,
	const struct treemap_box *b)
{
	html_put(h, "<g class=\"d\">");
	put_title(h, n, path);
	html_format(h,
		"<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"3\"/>"
		"<svg x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"><text x=\"4\" "
		"y=\"11.5\">",
		b->x + BOX_GAP, b->y + BOX_GAP, b->width - 2 * BOX_GAP,
		b->height - 2 * BOX_GAP, b->x, b->y, b->width - 4, TREEMAP_HEAD);
	put_name_of(h, n, room_for(b->width, LETTER_BOLD));
	html_put(h, "</text></svg></g>\n");
}

/* A few letters of a long name say nothing. */
static bool is_label(const struct size_node *n, double width, double height)
{
	size_t letters = n->name ? strlen(n->name) : sizeof "1234 small files" - 1;
	unsigned room = room_for(width, LETTER);

	return height >= LABEL_HEIGHT &&
	       (room >= letters || (n->name && room >= LABEL_LEAST));
}

static void put_label(
	struct html *h, const struct size_node *n, double width, double height)
{
	char size[SIZE_TEXT];

	if (!is_label(n, width, height))
		return;
	html_put(h, "<text x=\"4\" y=\"12\">");
	put_name_of(h, n, room_for(width, LETTER));
	html_put(h, "</text>");
	if (height >= 30 && width >= 9 * LETTER)
		html_format(h, "<text class=\"s\" x=\"4\" y=\"25\">%s</text>",
			size_text(n->sums.bytes, size));
}

/* It is filled from below, as far as it is in the cache. */
static void put_box(struct report_map *m, const struct size_node *n, const char *path,
	const struct treemap_box *b)
{
	double width = b->width - 2 * BOX_GAP, height = b->height - 2 * BOX_GAP;
	double share = resident_share(&n->sums), full = height * share;
	struct html *h = m->html;

	/* What is here at all is seen. */
	if (share > 0 && full < 1)
		full = height < 1 ? height : 1;
	html_format(h,
		"<svg class=\"c a%u%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
		"height=\"%.1f\">",
		report_age(n->sums.last_use, m->now), height - full < 4 ? " on" : "",
		b->x + BOX_GAP, b->y + BOX_GAP, width, height);
	put_title(h, n, path);
	html_put(h, "<rect class=\"e\" width=\"100%\" height=\"100%\" rx=\"2\"/>");
	if (full > 0)
		html_format(h,
			"<rect class=\"f\" y=\"%.1f\" width=\"100%%\" height=\"%.1f\" "
			"rx=\"2\"/>",
			height - full, full);
	put_label(h, n, width, height);
	html_put(h, "</svg>\n");
}

static int report_map_box(void *ctx, const struct size_node *n, const char *path,
	const struct treemap_box *b, bool opened)
{
	struct report_map *m = ctx;

	if (b->width < BOX_LEAST || b->height < BOX_LEAST)
		return 0;
	if (opened)
		put_directory(m->html, n, path, b);
	else
		put_box(m, n, path, b);
	return m->html->rc;
}

void report_map(struct html *h, const struct size_node *root, int64_t now)
{
	const struct treemap_box all = {0, 0, MAP_WIDTH, MAP_HEIGHT};
	struct report_map m = {h, now};
	int rc;

	html_format(h,
		"<svg class=\"map\" viewBox=\"0 0 %d %d\" role=\"img\" "
		"aria-label=\"Sizes of directories and files, and how much of each is in "
		"the cache\">\n",
		(int)MAP_WIDTH, (int)MAP_HEIGHT);
	rc = treemap_lay(root, &all, report_map_box, &m);
	if (rc && !h->rc)
		h->rc = rc;
	html_put(h, "</svg>\n");
}
