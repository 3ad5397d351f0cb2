/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/cache_report.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "cache/inspect.h"
#include "cli/entry_text.h"
#include "cli/json_output.h"
#include "cli/progress.h"
#include "cli/report_page.h"
#include "cli/size.h"
#include "cli/survey_json.h"
#include "format/json.h"
#include "format/json_byte_string.h"
#include "util/clock.h"
#include "util/home.h"
#include "util/io.h"

static int dataset_json(void *ctx, const struct cache_dataset *d)
{
	char when[CLOCK_TEXT_SIZE];

	clock_format(d->accepted, when);
	return json_array_append_new(
		ctx, json_pack("{s:s,s:o,s:I,s:I,s:s,s:o}", "name", d->name, "url",
			     json_byte_string(span_of_string(d->url)), "revision",
			     (json_int_t)d->revision, "highest", (json_int_t)d->highest,
			     "accepted", when, "root", json_digest(&d->root)));
}

static int pin_json(void *ctx, const char *pin, uint64_t objects)
{
	return json_array_append_new(
		ctx, json_pack("{s:o,s:I}", "pin", json_byte_string(span_of_string(pin)),
			     "objects", (json_int_t)objects));
}

/* When: null where it never was. */
static json_t *time_json(int64_t seconds)
{
	char when[CLOCK_TEXT_SIZE];

	if (!seconds)
		return json_null();
	clock_format(seconds, when);
	return json_string(when);
}

static json_t *scrub_json(const struct cache_info *i)
{
	return json_pack("{s:o,s:o,s:I,s:I,s:I,s:I}", "begun", time_json(i->scrub_begun),
		"ended", time_json(i->scrub_ended), "bytes", (json_int_t)i->scrub_bytes,
		"rotten", (json_int_t)i->scrub_rotten, "rotten_before",
		(json_int_t)i->scrub_rotten_before, "rotten_ever",
		(json_int_t)i->scrub_rotten_ever);
}

static void print_scrub(const struct cache_info *i)
{
	char when[CLOCK_TEXT_SIZE], size[SIZE_TEXT];

	if (i->scrub_ended) {
		clock_format(i->scrub_ended, when);
		printf("scrub:    complete on %s, %llu rotten pieces\n", when,
			(unsigned long long)i->scrub_rotten_before);
	} else {
		printf("scrub:    never complete\n");
	}
	if (i->scrub_begun)
		printf("          %s looked at in this pass, %llu rotten pieces; %llu in "
		       "all passes\n",
			size_text(i->scrub_bytes, size),
			(unsigned long long)i->scrub_rotten,
			(unsigned long long)i->scrub_rotten_ever);
}

static void info_json(struct cache *c, const struct cache_info *i)
{
	json_t *datasets = json_array(), *pins = json_array();
	json_t *o;

	cache_each_dataset(c, dataset_json, datasets);
	cache_each_pin(c, pin_json, pins);
	o = json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:o,s:o}", "quota",
		(json_int_t)i->quota, "floor", (json_int_t)i->floor, "resident",
		(json_int_t)i->resident, "metadata", (json_int_t)i->metadata, "pinned",
		(json_int_t)i->pinned, "objects", (json_int_t)i->objects, "complete",
		(json_int_t)i->complete, "pages", (json_int_t)i->pages, "disk_free",
		(json_int_t)i->disk_free, "datasets", datasets, "pins", pins, "scrub",
		scrub_json(i));
	json_output(o, JSON_INDENT(1));
}

static int print_dataset(void *ctx, const struct cache_dataset *d)
{
	char when[CLOCK_TEXT_SIZE];

	(void)ctx;
	clock_format(d->accepted, when);
	printf("  ");
	put_name(stdout, span_of_string(d->name));
	printf(", revision %llu, accepted %s\n    ", (unsigned long long)d->revision, when);
	put_name(stdout, span_of_string(d->url));
	putchar('\n');
	return 0;
}

static int print_pin(void *ctx, const char *pin, uint64_t objects)
{
	(void)ctx;
	printf("  ");
	put_name(stdout, span_of_string(pin));
	printf(" (%llu objects)\n", (unsigned long long)objects);
	return 0;
}

static void info_text(struct cache *c, const struct cache_info *i)
{
	char a[SIZE_TEXT], b[SIZE_TEXT];

	printf("contents: %s in %llu objects, %llu of them complete\n",
		size_text(i->resident, a), (unsigned long long)i->objects,
		(unsigned long long)i->complete);
	printf("metadata: %s, %llu pages and recipes\n", size_text(i->metadata, a),
		(unsigned long long)i->pages);
	printf("pinned:   %s\n", size_text(i->pinned, a));
	printf("quota:    %s\n", i->quota ? size_text(i->quota, a) : "none");
	printf("disk:     %s free, never below %s\n", size_text(i->disk_free, a),
		size_text(i->floor, b));
	print_scrub(i);
	printf("datasets:\n");
	cache_each_dataset(c, print_dataset, NULL);
	printf("pins:\n");
	cache_each_pin(c, print_pin, NULL);
}

int cache_report_info(struct cache_command *c, struct trouble *t)
{
	struct reader r = {.log = log_new_stderr(LOG_LEVEL_WARNING)};
	struct cache_info info;
	int rc = reader_open_cache(&r, &c->reader, t);

	if (!rc && (rc = cache_info(r.cache, &info)))
		trouble_set(t, rc, "cannot read the cache's totals: %s", error_text(rc));
	if (!rc && c->json)
		info_json(r.cache, &info);
	else if (!rc)
		info_text(r.cache, &info);
	reader_close(&r);
	return rc;
}

struct verify {
	struct progress *progress;
	bool json, repair;
};

static int verify_rotten(void *ctx, const struct cache_rot *rot)
{
	const struct verify *v = ctx;
	char object[DIGEST_HEX_SIZE], chunk[DIGEST_HEX_SIZE];

	digest_to_hex(&rot->object, object);
	digest_to_hex(&rot->chunk, chunk);
	progress_hide();
	if (v->json)
		printf("{\"rotten\":\"%s\",\"chunk\":\"%s\",\"start\":%llu,\"size\":%llu}"
		       "\n",
			object, chunk, (unsigned long long)rot->start,
			(unsigned long long)rot->size);
	else
		printf("rotten: %s %s, %llu bytes at %llu%s\n",
			digest_is_zero(&rot->chunk) ? "page" : "object", object,
			(unsigned long long)rot->size, (unsigned long long)rot->start,
			v->repair ? ", thrown out" : "");
	return 0;
}

static void verify_progress(void *ctx, uint64_t done, uint64_t total)
{
	const struct verify *v = ctx;

	progress_set_total(v->progress, total);
	progress_set(v->progress, done);
}

int cache_report_verify(struct cache_command *c, struct trouble *t)
{
	struct reader r = {.log = log_new_stderr(LOG_LEVEL_WARNING)};
	struct verify v = {progress_new("verify"), c->json, c->repair};
	struct cache_verify verify = {.repair = c->repair,
		.rotten = verify_rotten,
		.progress = verify_progress,
		.ctx = &v};
	char size[SIZE_TEXT];
	int rc;

	log_before_line(r.log, progress_hide);
	rc = reader_open_cache(&r, &c->reader, t);
	if (!rc && (rc = cache_verify(r.cache, &verify)))
		trouble_set(t, rc, "cannot verify the cache: %s", error_text(rc));
	progress_end(v.progress);
	if (!rc && c->json)
		printf("{\"bytes\":%llu,\"bad\":%llu,\"repaired\":%s}\n",
			(unsigned long long)verify.bytes, (unsigned long long)verify.bad,
			c->repair ? "true" : "false");
	else if (!rc)
		printf("%s verified, %llu rotten pieces%s\n", size_text(verify.bytes, size),
			(unsigned long long)verify.bad,
			verify.bad && c->repair ? ", thrown out" : "");
	reader_close(&r);
	if (!rc && verify.bad && !c->repair)
		rc = trouble_set(t, ERR_CORRUPT,
			"%llu rotten pieces: run it with --repair to throw them out",
			(unsigned long long)verify.bad);
	return rc;
}

/* Whoever looks at FILE meanwhile sees the one before; it tells what people have, so it is
 * the user's alone. */
static int survey_write_page(
	const struct survey *s, struct cache_command *c, struct trouble *t)
{
	char *own = c->reader.cache ? NULL : home_cache_directory();
	struct html h = {0};
	int rc;

	report_page(&h, s, own ? own : c->reader.cache, clock_realtime() / NS_PER_SECOND);
	free(own);
	rc = h.rc;
	if (!rc)
		rc = io_replace_file(AT_FDCWD, c->html, span_of_bytes(&h.text), 0600, 0);
	bytes_release(&h.text);
	return rc ? trouble_set(t, rc, "%s cannot be written: %s", c->html,
			    rc == ERR_INVALID ? "it is no regular file" : error_text(rc))
		  : 0;
}

int cache_report_survey(struct cache_command *c, struct trouble *t)
{
	struct survey s = {0};
	int rc;

	if (!c->html && !c->json)
		return command_use("cache", "report needs --html FILE or --json");
	rc = survey_take(c, &s, t);
	if (!rc && c->html)
		rc = survey_write_page(&s, c, t);
	if (!rc && c->json && (rc = json_output(survey_json(&s), JSON_INDENT(1))))
		trouble_set(t, rc, "the report cannot be printed: %s", error_text(rc));
	survey_release(&s);
	return rc;
}
