/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <jansson.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/json_output.h"
#include "cli/progress.h"
#include "cli/size.h"
#include "format/json_byte_string.h"
#include "publish/gc.h"
#include "publish/store_open.h"
#include "util/clock.h"

#define KEEP_MAX 1000000
#define GC_JOBS_MAX 64
#define GRACE_DEFAULT (48 * 3600 * NS_PER_SECOND)

/* The rules are in the order of enum gc_rule. */
enum {
	OPTION_KEEP = 300,
	OPTION_KEEP_HOURLY,
	OPTION_KEEP_DAILY,
	OPTION_KEEP_WEEKLY,
	OPTION_KEEP_MONTHLY,
	OPTION_KEEP_YEARLY,
	OPTION_KEEP_WITHIN,
	OPTION_KEEP_TAGS,
	OPTION_NO_KEEP_TAGS,
	OPTION_GRACE,
	OPTION_MEMORY,
	OPTION_JSON
};

const struct option_help gc_options_help[] = {
	{"keep", OPTION_KEEP, "N", "keep the last N revisions"},
	{"keep-hourly", OPTION_KEEP_HOURLY, "N", "the newest of each of the last N hours"},
	{"keep-daily", OPTION_KEEP_DAILY, "N", "the newest of each of the last N days"},
	{"keep-weekly", OPTION_KEEP_WEEKLY, "N", "the newest of each of the last N weeks"},
	{"keep-monthly", OPTION_KEEP_MONTHLY, "N",
		"the newest of each of the last N months"},
	{"keep-yearly", OPTION_KEEP_YEARLY, "N", "the newest of each of the last N years"},
	{"keep-within", OPTION_KEEP_WITHIN, "TIME",
		"all not older than the newest by that: 30d, 1y6m"},
	{"keep-tags", OPTION_KEEP_TAGS, NULL,
		"keep revisions that have a tag (this is the default)"},
	{"no-keep-tags", OPTION_NO_KEEP_TAGS, NULL, "a tag goes with its revision"},
	{"grace", OPTION_GRACE, "TIME",
		"delete what was found not to be needed so long ago (default: 2d)"},
	{"dry-run", 'n', NULL, "change nothing: say what would be done"},
	{"jobs", 'j', "N", "threads (default: one per processor)"},
	{"memory", OPTION_MEMORY, "SIZE", "memory to use (default: 256M)"},
	{"json", OPTION_JSON, NULL, "print what was done as JSON"},
	{0},
};

struct gc_arguments {
	struct gc_options o;
	const char *store;
	bool json;
	json_t *kept, *removed, *tags; /* with --json */
	struct progress *progress;
};

static int take_keep(struct gc_arguments *a, int letter)
{
	uint64_t *keep = &a->o.policy.keep[letter - OPTION_KEEP];

	if (strcmp(optarg, "unlimited") == 0) {
		*keep = GC_UNLIMITED;
		return 0;
	}
	if (number_parse(optarg, KEEP_MAX, keep) || *keep == 0)
		return command_use("gc",
			"what is to be kept is a number from 1 to %d, or \"unlimited\"",
			KEEP_MAX);
	return 0;
}

/* With months of 30 days, years of 365. */
static int take_grace(struct gc_arguments *a)
{
	struct gc_span s = {.days = 0};
	int64_t hours;

	if (strcmp(optarg, "0") && gc_span_parse(optarg, &s))
		return command_use(
			"gc", "--grace takes a time, such as 2d, 12h or 1d12h, or 0");
	hours = (int64_t)s.hours +
		24 * ((int64_t)s.days + 30 * (int64_t)s.months + 365 * (int64_t)s.years);
	if (hours > 100 * 365 * 24)
		return command_use("gc", "--grace takes at most a hundred years");
	a->o.grace = hours * 3600 * NS_PER_SECOND;
	return 0;
}

static int gc_take_number(struct gc_arguments *a, int letter)
{
	uint64_t number;

	if (letter == 'j') {
		if (number_parse(optarg, GC_JOBS_MAX, &number) || number == 0)
			return command_use(
				"gc", "--jobs takes a number from 1 to %d", GC_JOBS_MAX);
		a->o.jobs = (unsigned)number;
		return 0;
	}
	if (size_parse(optarg, &a->o.memory) || a->o.memory < GC_MEMORY_MIN)
		return command_use("gc", "--memory takes a size of at least 32M");
	return 0;
}

static int gc_take_option(struct gc_arguments *a, int letter)
{
	if (letter >= OPTION_KEEP && letter <= OPTION_KEEP_YEARLY)
		return take_keep(a, letter);
	switch (letter) {
	case OPTION_KEEP_WITHIN:
		if (gc_span_parse(optarg, &a->o.policy.within))
			return command_use("gc",
				"--keep-within takes years, months, days and hours, such "
				"as 30d or 1y6m");
		return 0;
	case OPTION_KEEP_TAGS:
	case OPTION_NO_KEEP_TAGS:
		a->o.keep_tags = letter == OPTION_KEEP_TAGS;
		return 0;
	case OPTION_GRACE:
		return take_grace(a);
	case 'n':
		a->o.dry_run = true;
		return 0;
	case OPTION_JSON:
		a->json = true;
		return 0;
	default:
		return gc_take_number(a, letter);
	}
}

static int gc_take_arguments(struct gc_arguments *a, int argc, char **argv)
{
	int letter, rc = 0;

	while (!rc && (letter = command_getopt(argc, argv)) != -1)
		rc = gc_take_option(a, letter);
	if (!rc && argc - optind != 1)
		rc = command_use("gc", "a STORE directory is needed");
	if (!rc)
		a->store = argv[optind];
	return rc;
}

static void gc_show_progress(void *ctx, const struct gc_progress *p)
{
	static const char *const phases[] = {
		"reading revisions", "marking", "looking through blobs"};
	struct gc_arguments *a = ctx;
	char note[96];

	snprintf(note, sizeof note, p->pass > 1 ? "%s, %.0f%%, pass %u" : "%s, %.0f%%",
		phases[p->phase], p->total ? 100.0 * (double)p->done / (double)p->total : 0,
		p->pass);
	progress_say(a->progress, note);
}

static void gc_note_revision(void *ctx, const struct gc_revision *r)
{
	struct gc_arguments *a = ctx;
	char created[CLOCK_TEXT_SIZE];

	if (a->json) {
		json_array_append_new(
			r->keep ? a->kept : a->removed, json_output_number(r->number));
		return;
	}
	if (r->keep)
		return;
	progress_hide();
	clock_format(r->created, created);
	printf("%s revision %llu of %s\n", a->o.dry_run ? "would remove" : "removing",
		(unsigned long long)r->number, created);
}

static void gc_note_tag(void *ctx, const char *name, uint64_t revision)
{
	struct gc_arguments *a = ctx;

	if (a->json) {
		json_array_append_new(a->tags, json_output_words(name));
		return;
	}
	progress_hide();
	printf("%s tag %s of revision %llu\n", a->o.dry_run ? "would remove" : "removing",
		name, (unsigned long long)revision);
}

static void gc_print_count(const char *what, const struct gc_count *c, const char *more)
{
	char size[SIZE_TEXT];

	if (c->blobs)
		printf("%s %llu blobs, %s%s\n", what, (unsigned long long)c->blobs,
			size_text(c->bytes, size), more);
}

static void gc_print_text(const struct gc_arguments *a, const struct gc_result *r)
{
	bool dry = a->o.dry_run;

	printf("%llu revisions %s, %llu %s\n", (unsigned long long)r->kept_revisions,
		dry ? "would stay" : "kept", (unsigned long long)r->removed_revisions,
		dry ? "would go" : "removed");
	gc_print_count("needed:   ", &r->needed, "");
	gc_print_count(dry ? "would go: " : "deleted:  ", &r->deleted, "");
	gc_print_count("listed:   ", &r->listed,
		dry ? ", would be deleted after the grace period"
		    : ", for the first cairn gc after the grace period to delete");
	gc_print_count("waiting:  ", &r->waiting, ", listed within the grace period");
	gc_print_count("young:    ", &r->young,
		", not needed, but written within the grace period");
}

static json_t *gc_count_json(const struct gc_count *c)
{
	return json_pack("{s:o, s:o}", "blobs", json_output_number(c->blobs), "bytes",
		json_output_number(c->bytes));
}

static int gc_print_json(struct gc_arguments *a, const struct gc_result *r)
{
	json_t *o = json_pack(
		"{s:o, s:b, s:O, s:O, s:O, s:o, s:o, s:o, s:o, s:o, s:i, s:f}", "store",
		json_byte_string(span_of_string(a->store)), "dry_run", (int)a->o.dry_run,
		"kept", a->kept, "removed", a->removed, "removed_tags", a->tags, "needed",
		gc_count_json(&r->needed), "deleted", gc_count_json(&r->deleted), "listed",
		gc_count_json(&r->listed), "waiting", gc_count_json(&r->waiting), "young",
		gc_count_json(&r->young), "passes", (int)r->passes, "seconds",
		(double)r->took_ns / (double)NS_PER_SECOND);

	return json_output(o, JSON_INDENT(1));
}

static int gc_begin_json(struct gc_arguments *a)
{
	if (!a->json)
		return 0;
	a->kept = json_array();
	a->removed = json_array();
	a->tags = json_array();
	return a->kept && a->removed && a->tags ? 0 : ERR_NO_MEMORY;
}

static int gc_in_store(struct gc_arguments *a, struct trouble *t)
{
	struct gc_result result;
	int rc = gc_begin_json(a);

	if (rc)
		return rc;
	a->o.ctx = a;
	a->o.revision = gc_note_revision;
	a->o.tag = gc_note_tag;
	a->progress = progress_new("gc");
	if (a->progress)
		a->o.progress = gc_show_progress;
	a->o.log = log_new_stderr(LOG_LEVEL_WARNING);
	log_before_line(a->o.log, progress_hide);
	rc = gc_run(&a->o, &result, t);
	progress_end(a->progress);
	log_free(a->o.log);
	if (!rc && a->json)
		rc = gc_print_json(a, &result);
	else if (!rc)
		gc_print_text(a, &result);
	return rc;
}

static int gc_open_and_run(struct gc_arguments *a, struct trouble *t)
{
	const struct store_open_options opening = {
		.access = a->o.dry_run ? STORE_READ : STORE_WRITE};
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	int rc = store_open(a->store, &opening, &a->o.store, t);

	if (rc)
		return rc;
	if (a->o.jobs == 0)
		a->o.jobs = processors > GC_JOBS_MAX ? GC_JOBS_MAX
			    : processors > 0	     ? (unsigned)processors
						     : 1;
	rc = gc_in_store(a, t);
	json_decref(a->kept);
	json_decref(a->removed);
	json_decref(a->tags);
	store_close(a->o.store);
	return rc;
}

int cmd_gc(int argc, char **argv)
{
	struct gc_arguments a = {.o = {.keep_tags = true, .grace = GRACE_DEFAULT}};
	struct trouble t = {0};
	int rc = gc_take_arguments(&a, argc, argv);

	if (rc)
		return rc;
	rc = gc_open_and_run(&a, &t);
	if (rc && t.code != rc)
		trouble_set(&t, rc, "cannot prune %s: %s", a.store, error_text(rc));
	return rc ? command_fail("gc", &t) : EXIT_SUCCESS;
}
