/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/report_page.h"

#include "cli/entry_text.h"
#include "cli/report_map.h"
#include "cli/report_style.h"
#include "cli/size.h"
#include "util/base64.h"
#include "util/digest.h"

#define WORDS_MOST 300 /* characters of a name or a URL */

/* Nothing from elsewhere, no script, no style but ours. */
static void put_page_head(struct html *h)
{
	struct digest digest = digest_of(REPORT_STYLE, sizeof REPORT_STYLE - 1);
	char hash[BASE64_SIZE(DIGEST_SIZE) + 1] = "";

	base64_write(span_of(digest.bytes, DIGEST_SIZE), hash);
	html_put(h,
		"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
	html_format(h,
		"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
		"'none'; "
		"style-src 'sha256-%s'; base-uri 'none'; form-action 'none'\">\n",
		hash);
	html_put(h, "<meta name=\"viewport\" content=\"width=device-width\">\n"
		    "<meta name=\"referrer\" content=\"no-referrer\">\n"
		    "<title>cairn: what the cache holds</title>\n<style>" REPORT_STYLE
		    "</style>\n</head>\n<body>\n<main>\n");
}

static const char *when_text(int64_t seconds, char text[TIME_TEXT])
{
	if (!seconds)
		return "never";
	time_text(seconds, 0, text);
	text[16] = '\0';
	return text;
}

static int percent(uint64_t part, uint64_t whole)
{
	return whole ? (int)((double)(part < whole ? part : whole) * 100 / (double)whole)
		     : 0;
}

/* `filled` and `marked` of `whole`, in hundredths. */
static void put_bar(struct html *h, int filled, int marked)
{
	html_format(h,
		"<svg class=\"bar\" viewBox=\"0 0 100 6\" preserveAspectRatio=\"none\" "
		"aria-hidden=\"true\"><rect width=\"100\" height=\"6\"/><rect class=\"v\" "
		"width=\"%d\" height=\"6\"/>",
		filled);
	if (marked)
		html_format(h, "<rect class=\"p\" width=\"%d\" height=\"6\"/>", marked);
	html_put(h, "</svg>");
}

/* No bar where there is nothing to compare with: `filled` < 0. */
static void put_tile(
	struct html *h, const char *value, const char *words, int filled, int marked)
{
	html_format(h, "<div class=\"tile\"><b>%s</b><span>%s</span>", value, words);
	if (filled >= 0)
		put_bar(h, filled, marked);
	html_put(h, "</div>\n");
}

static void put_tiles(struct html *h, const struct cache_info *i)
{
	char value[SIZE_TEXT], size[SIZE_TEXT], words[128];

	html_put(h, "<div class=\"tiles\">\n");
	if (i->quota)
		snprintf(words, sizeof words, "contents, of a quota of %s",
			size_text(i->quota, size));
	else
		snprintf(words, sizeof words, "contents; there is no quota");
	put_tile(h, size_text(i->resident, value), words,
		i->quota ? percent(i->resident, i->quota) : -1,
		percent(i->pinned, i->quota));
	put_tile(h, size_text(i->pinned, value), "pinned: never thrown out",
		percent(i->pinned, i->resident), percent(i->pinned, i->resident));
	snprintf(words, sizeof words, "free on the disk; %s of it stay free",
		size_text(i->floor, size));
	put_tile(h, size_text(i->disk_free, value), words, -1, 0);
	snprintf(words, sizeof words, "objects, %llu of them complete",
		(unsigned long long)i->complete);
	snprintf(value, sizeof value, "%llu", (unsigned long long)i->objects);
	put_tile(h, value, words, percent(i->complete, i->objects), 0);
	snprintf(words, sizeof words, "names and attributes, in %llu pages and recipes",
		(unsigned long long)i->pages);
	put_tile(h, size_text(i->metadata, value), words, -1, 0);
	html_put(h, "</div>\n");
}

static void put_legend(struct html *h)
{
	static const char *const ages[] = {
		"used today", "this week", "this month", "this year", "longer ago"};

	html_put(h, "<div class=\"key\"><span>A box is as large as its file, and filled as "
		    "far as that is in the cache. Last use:</span>");
	for (unsigned i = 0; i < sizeof ages / sizeof *ages; i++)
		html_format(h,
			"<span class=\"a%u\"><svg><rect class=\"f\" width=\"14\" "
			"height=\"14\"/></svg>%s</span>",
			i, ages[i]);
	html_put(h, "<span><svg><rect class=\"e\" width=\"14\" height=\"14\"/></svg>not in "
		    "the cache</span></div>\n");
}

static void put_section(struct html *h, const struct survey_dataset *d, int64_t now)
{
	char here[SIZE_TEXT], size[SIZE_TEXT], when[TIME_TEXT];

	html_put(h, "<section>\n<h2>");
	html_text(h, d->name, WORDS_MOST);
	html_format(h, "</h2>\n<p class=\"sub\">revision %llu, of %s \xc2\xb7 ",
		(unsigned long long)d->revision, when_text(d->accepted, when));
	html_text(h, d->url, WORDS_MOST);
	html_put(h, "</p>\n");
	if (d->root) {
		html_format(h,
			"<p class=\"sub\">%s of %s in %llu files are in the cache (%d%%)",
			size_text(d->sums.resident, here), size_text(d->sums.bytes, size),
			(unsigned long long)d->sums.files,
			percent(d->sums.resident, d->sums.bytes));
		if (d->gaps.entries)
			html_format(h,
				"; %llu entries more, %s, in directories that nobody has "
				"listed yet",
				(unsigned long long)d->gaps.entries,
				size_text(d->gaps.bytes, size));
		html_put(h, "</p>\n");
		if (d->sums.resident)
			report_map(h, d->root, now);
	} else {
		html_put(h, "<p class=\"warn\">");
		html_text(h, d->trouble ? d->trouble : "out of memory", WORDS_MOST);
		html_put(h, "</p>\n");
	}
	html_put(h, "</section>\n");
}

static void put_dataset_row(struct html *h, const struct survey_dataset *d)
{
	char here[SIZE_TEXT], size[SIZE_TEXT], when[TIME_TEXT];
	int share = percent(d->sums.resident, d->sums.bytes);

	html_put(h, "<tr><td class=\"w\">");
	html_text(h, d->name, WORDS_MOST);
	html_put(h, "<br><small>");
	html_text(h, d->url, WORDS_MOST);
	html_format(h,
		"</small></td><td class=\"n\">%llu</td><td class=\"n\">%s</td><td "
		"class=\"n\">%llu</td><td class=\"n\">%s</td><td class=\"n\">%s</td><td>",
		(unsigned long long)d->revision, when_text(d->accepted, when),
		(unsigned long long)d->sums.files, size_text(d->sums.bytes, size),
		size_text(d->sums.resident, here));
	put_bar(h, share, 0);
	html_put(h, "</td></tr>\n");
}

static void put_left_out(struct html *h, uint64_t count, const char *what)
{
	if (count)
		html_format(h, "<p class=\"sub\">%llu more %s are left out.</p>\n",
			(unsigned long long)count, what);
}

static void put_datasets(struct html *h, const struct survey *s)
{
	html_put(h, "<section>\n<h2>Datasets</h2>\n<div class=\"wide\"><table>\n"
		    "<tr><th>name</th><th class=\"n\">revision</th><th class=\"n\">accepted"
		    "</th><th class=\"n\">files</th><th class=\"n\">size</th>"
		    "<th class=\"n\">in the cache</th><th></th></tr>\n");
	for (size_t i = 0; i < s->dataset_count; i++)
		put_dataset_row(h, &s->datasets[s->order[i]]);
	html_put(h, "</table></div>\n");
	put_left_out(h, s->datasets_left_out, "datasets");
	html_put(h, "</section>\n");
}

static void put_file_row(
	struct html *h, const struct survey *s, const struct survey_file *f)
{
	char here[SIZE_TEXT], size[SIZE_TEXT], when[TIME_TEXT];

	html_put(h, "<tr><td class=\"w\">");
	html_text(h, f->path, WORDS_MOST);
	html_put(h, "<br><small>");
	html_text(h, s->datasets[f->dataset].name, WORDS_MOST);
	html_format(h,
		"%s</small></td><td class=\"n\">%s</td><td class=\"n\">%s</td><td "
		"class=\"n\">%s</td></tr>\n",
		f->pinned ? ", pinned" : "", size_text(f->size, size),
		size_text(f->resident, here), when_text(f->last_use, when));
}

static void put_files(struct html *h, const struct survey *s,
	const struct survey_files *files, const char *title, const char *words)
{
	if (!files->count)
		return;
	html_format(h,
		"<section>\n<h2>%s</h2>\n<p class=\"sub\">%s</p>\n<div class=\"wide\">"
		"<table>\n<tr><th>file</th><th class=\"n\">size</th><th class=\"n\">in the "
		"cache</th><th class=\"n\">last used</th></tr>\n",
		title, words);
	for (size_t i = 0; i < files->count; i++)
		put_file_row(h, s, &files->files[i]);
	html_put(h, "</table></div>\n</section>\n");
}

static void put_pins(struct html *h, const struct survey *s)
{
	if (!s->pin_count)
		return;
	html_put(h, "<section>\n<h2>Pins</h2>\n<div class=\"wide\"><table>\n<tr><th>what"
		    "</th><th class=\"n\">objects</th></tr>\n");
	for (size_t i = 0; i < s->pin_count; i++) {
		html_put(h, "<tr><td class=\"w\">");
		html_text(h, s->pins[i].name, WORDS_MOST);
		html_format(h, "</td><td class=\"n\">%llu</td></tr>\n",
			(unsigned long long)s->pins[i].objects);
	}
	html_put(h, "</table></div>\n");
	put_left_out(h, s->pins_left_out, "pins");
	html_put(h, "</section>\n");
}

void report_page(struct html *h, const struct survey *s, const char *directory, int64_t now)
{
	char when[TIME_TEXT];

	put_page_head(h);
	html_put(h, "<h1>What the cache holds</h1>\n<p class=\"sub\">");
	html_text(h, directory, WORDS_MOST);
	html_format(h, " \xc2\xb7 %s</p>\n", when_text(now, when));
	put_tiles(h, &s->info);
	if (s->dataset_count)
		put_legend(h);
	for (size_t i = 0; i < s->dataset_count; i++)
		put_section(h, &s->datasets[s->order[i]], now);
	put_datasets(h, s);
	put_files(h, s, &s->largest, "Largest files", "By what of them is in the cache.");
	put_files(h, s, &s->oldest, "Least recently used",
		"Thrown out first when room is needed. Small files go with their "
		"neighbours.");
	put_pins(h, s);
	html_put(h, "<footer>Made by cairn " PACKAGE_VERSION
		    " from what is in the cache alone; no server was asked.</footer>\n"
		    "</main>\n</body>\n</html>\n");
}
