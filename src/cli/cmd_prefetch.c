/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/entry_text.h"
#include "cli/mounts.h"
#include "cli/prefetch_outcome.h"
#include "cli/prefetcher.h"
#include "cli/profile_file.h"
#include "cli/profile_run.h"
#include "cli/progress.h"
#include "cli/selection.h"
#include "cli/size.h"
#include "util/clock.h"

enum { OPTION_JSON = OPTION_OWN, OPTION_METADATA, OPTION_PROFILE };
#define FAILURES_SHOWN 20

const struct option_help prefetch_options_help[] = {
	{"metadata", OPTION_METADATA, NULL, "only names and attributes, no contents"},
	{"profile", OPTION_PROFILE, "FILE", "the files of a trace, in their order"},
	{"json", OPTION_JSON, NULL, "the summary as a JSON object"},
	READER_OPTIONS_HELP,
	{0},
};

enum prefetch_pass { PASS_TOTAL, PASS_BRING, PASS_CHECK };

struct prefetch {
	struct reader *reader;
	struct prefetcher *prefetcher;
	struct progress *progress;
	char **paths;
	int count;
	struct profile *profile; /* instead of the paths, or NULL */
	size_t absent;		 /* reads of it whose files are not there */
	bool metadata, json;
	enum prefetch_pass pass;
	uint64_t total;	  /* bytes of files, by the subtotals of pages */
	uint64_t checked; /* bytes of files that were looked at once more */
	uint64_t shown;	  /* failures told one by one */
	char *failed;	  /* the file that was told last; heap */
	uint64_t unkept;  /* pieces that came and were not kept */
	struct prefetch_outcome outcome;
};

/* One line for each file. */
static void tell(struct prefetch *p, const char *path, const char *what)
{
	struct trouble line;

	if (p->failed && path && strcmp(p->failed, path) == 0)
		return;
	free(p->failed);
	p->failed = path ? strdup(path) : NULL;
	if (p->shown++ >= FAILURES_SHOWN)
		return;
	trouble_set(&line, 0, "%s: %s", path ? path : "?", what);
	command_fail("prefetch", &line);
}

static void prefetch_failed(
	void *ctx, const char *path, bool unkept, const struct trouble *t)
{
	struct prefetch *p = ctx;

	p->unkept += unkept;
	p->outcome.failures += !unkept;
	/* What is not kept is told at the end, with its amount. */
	if (unkept && !p->outcome.error)
		p->outcome.error = t->code;
	if (!unkept)
		tell(p, path, t->text[0] ? t->text : error_text(t->code));
}

/* A file whose own recipe cannot be had does not stop the others. */
static void bring_failed(struct prefetch *p, const struct entry *e, struct trouble *t)
{
	char *path = entry_path_text(e);

	prefetch_failed(p, path, false, t);
	free(path);
	memset(t, 0, sizeof *t);
}

static int check_told(struct prefetch *p, const struct entry *e, int rc, uint64_t missing,
	struct trouble *t)
{
	char text[SIZE_TEXT + 64], size[SIZE_TEXT], *path;

	if (rc)
		return trouble_set(t, rc, "the cache cannot be read: %s", error_text(rc));
	if (!missing)
		return 0;
	p->outcome.missing += missing;
	p->outcome.lacking++;
	path = entry_path_text(e);
	snprintf(text, sizeof text, "%s not in the cache", size_text(missing, size));
	tell(p, path, text);
	free(path);
	return 0;
}

static int check(struct prefetch *p, const struct entry *e, struct trouble *t)
{
	uint64_t missing = 0;
	int rc = prefetch_outcome_look(p->reader, e, &missing);

	return check_told(p, e, rc, missing, t);
}

static int check_part(struct prefetch *p, const struct entry *e, uint64_t offset,
	uint64_t size, struct trouble *t)
{
	uint64_t missing = 0;
	int rc = p->metadata ? 0 : prefetcher_lacks(p->reader, e, offset, size, &missing);

	return check_told(p, e, rc, missing, t);
}

/* Each entry is counted where it is walked over, which has its page brought. */
static int prefetch_entry(
	void *ctx, const struct entry *e, uint64_t rank, struct trouble *t)
{
	struct prefetch *p = ctx;
	uint64_t bytes = e->type == ENTRY_FILE ? entry_data_size(e) : 0;

	(void)rank;
	if (p->pass == PASS_CHECK) {
		p->checked += bytes;
		progress_set(p->progress, p->checked);
		return p->metadata ? 0 : check(p, e, t);
	}
	p->outcome.entries++;
	p->outcome.bytes += bytes;
	if (bytes < e->size && e->type == ENTRY_FILE) /* holes need not come */
		p->total -= e->size - bytes < p->total ? e->size - bytes : p->total;
	if (p->metadata)
		progress_set(p->progress, p->outcome.bytes);
	else if (prefetcher_add(p->prefetcher, e, t))
		bring_failed(p, e, t);
	progress_set_total(p->progress, p->total);
	return 0;
}

static int prefetch_below(struct prefetch *p, const char *path, struct trouble *t)
{
	uint64_t first, end, bytes;
	int rc = reader_subtree(p->reader, path, &first, &end, t);

	if (rc || p->pass != PASS_TOTAL)
		return rc ? rc : reader_walk(p->reader, first, end, prefetch_entry, p, t);
	rc = reader_bytes(p->reader, first, end, &bytes, t);
	if (!rc)
		p->total = page_bytes_add(p->total, bytes);
	return rc;
}

static int prefetch_selected(void *ctx, const char *path, const struct entry *e,
	uint64_t rank, struct trouble *t)
{
	struct prefetch *p = ctx;
	int rc = 0;

	if (p->pass != PASS_TOTAL)
		rc = prefetch_entry(p, e, rank, t);
	else if (e->type == ENTRY_FILE)
		p->total = page_bytes_add(p->total, e->size);
	return rc || e->type != ENTRY_DIRECTORY ? rc : prefetch_below(p, path, t);
}

/* A read of the profile. */
static int prefetch_part(
	void *ctx, const struct entry *e, uint64_t offset, uint64_t size, struct trouble *t)
{
	struct prefetch *p = ctx;
	int rc;

	if (p->pass == PASS_TOTAL) {
		p->total = page_bytes_add(p->total, size);
		return 0;
	}
	if (p->pass == PASS_CHECK)
		return check_part(p, e, offset, size, t);
	p->outcome.entries++;
	p->outcome.bytes += size;
	rc = p->metadata ? 0 : prefetcher_add_part(p->prefetcher, e, offset, size, t);
	if (rc)
		bring_failed(p, e, t);
	return 0;
}

/* What the profile names and this revision has not is left out. */
static int prefetch_profiled(struct prefetch *p, struct trouble *t)
{
	struct profile_run run = {.reader = p->reader,
		.profile = p->profile,
		.each = prefetch_part,
		.ctx = p};
	int rc = profile_run(&run, t);

	p->absent = run.absent;
	return rc;
}

static int prefetch_pass(struct prefetch *p, enum prefetch_pass pass, struct trouble *t)
{
	static char *whole[] = {(char *)""};
	static const char *const notes[] = {"looking how much it is", NULL, "checking"};
	char **paths = p->count ? p->paths : whole;
	int rc = 0;

	p->pass = pass;
	progress_say(p->progress, notes[pass]);
	if (p->profile)
		return prefetch_profiled(p, t);
	for (int i = 0; i < (p->count ? p->count : 1) && !rc; i++)
		rc = selection_each(p->reader, paths[i], prefetch_selected, p, t);
	return rc;
}

static uint64_t prefetch_done(void *ctx)
{
	return prefetcher_ready(ctx);
}

/* Something was lost on the way, or thrown out, by this prefetch itself too: looks what is
 * there now. */
static int prefetch_check(struct prefetch *p, struct trouble *t)
{
	struct prefetch_outcome *o = &p->outcome;
	struct cache *cache = p->reader->cache;
	uint64_t misses = p->reader->misses, losses = cache_losses(cache);
	int rc;

	progress_watch(p->progress, NULL, NULL);
	rc = prefetch_pass(p, PASS_CHECK, t);
	if (rc)
		return rc;
	rc = cache_sync(cache);
	if (o->missing)
		o->failures += p->unkept;
	if (rc || !o->missing)
		o->error = rc;
	/* What was missing has come, and may be here now. */
	o->pages_missing = p->reader->misses != misses && cache_losses(cache) != losses;
	o->present = o->bytes - (o->missing < o->bytes ? o->missing : o->bytes);
	return 0;
}

/* Once along the subtotals, for who watches, once over the contents, and, when there is a
 * reason to, once more to see what is there. */
static int prefetch_passes(struct prefetch *p, struct trouble *t)
{
	struct prefetch_outcome *o = &p->outcome;
	struct cache *cache = p->reader->cache;
	uint64_t losses = cache_losses(cache);
	int rc = p->progress ? prefetch_pass(p, PASS_TOTAL, t) : 0;

	progress_set_total(p->progress, p->total);
	if (!p->metadata)
		progress_watch(p->progress, prefetch_done, p->prefetcher);
	if (!rc)
		rc = prefetch_pass(p, PASS_BRING, t);
	prefetcher_finish(p->prefetcher);
	if (rc)
		return rc;
	prefetcher_count(p->prefetcher, &o->present, &o->fetched);
	/* What the disk did not take is not kept either. */
	progress_say(p->progress, "writing to the disk");
	rc = cache_sync(cache);
	if (rc && !o->error)
		o->error = rc;
	if (!p->unkept && !o->error && cache_losses(cache) == losses)
		return 0;
	return prefetch_check(p, t);
}

static void prefetch_end(const struct prefetch *p, struct reader *r)
{
	if (p->absent)
		fprintf(stderr,
			"cairn prefetch: %zu of the profile's %zu reads are of files that "
			"are not there: left out\n",
			p->absent, profile_reads(p->profile));
	prefetch_outcome_print(&p->outcome, r, p->json);
}

static int prefetch(
	struct prefetch *p, const struct reader_options *o, char **paths, int count)
{
	int64_t began = clock_monotonic();
	struct reader r;
	struct trouble t = {0};
	int rc;

	p->progress = progress_new("prefetch");
	progress_say(p->progress, "opening the dataset");
	rc = reader_open(&r, o, NULL, &t);
	if (rc) {
		progress_end(p->progress);
		return command_fail("prefetch", &t);
	}
	p->reader = &r;
	p->paths = paths;
	p->count = count;
	rc = prefetcher_new(&r, prefetch_failed, p, &p->prefetcher);
	if (!rc)
		rc = prefetch_passes(p, &t);
	progress_end(p->progress);
	p->outcome.seconds = (double)(clock_monotonic() - began) / 1e9;
	if (rc)
		command_fail("prefetch", &t);
	else
		prefetch_end(p, &r);
	prefetcher_free(p->prefetcher);
	reader_close(&r);
	free(p->failed);
	return rc || !prefetch_outcome_is_good(&p->outcome) ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* "MOUNTPOINT/sub" as the first argument stands for the paths below it too. */
static int with_mount(struct prefetch *p, struct reader_options *o,
	const struct mount_record *m, const char *below, char **paths, int count)
{
	char **joined;
	int status = EXIT_FAILURE;

	mounts_options(m, o);
	joined = calloc((size_t)count + 1, sizeof *joined);
	for (int i = 0; joined && i < (count ? count : 1); i++)
		if (asprintf(&joined[i], "%s/%s", below, count ? paths[i] : "") < 0)
			joined[i] = NULL;
	if (joined)
		status = prefetch(p, o, joined, count ? count : 1);
	for (int i = 0; joined && i < (count ? count : 1); i++)
		free(joined[i]);
	free(joined);
	return status;
}

static int with_target(
	struct prefetch *p, struct reader_options *o, char *target, char **paths, int count)
{
	struct mount_record m;
	char *below;
	int status;

	if (!strstr(target, "://") && mounts_find(target, &m, &below) == 0) {
		status = with_mount(p, o, &m, below, paths, count);
		free(below);
		mount_record_release(&m);
		return status;
	}
	if (reader_is_url(target)) {
		o->dataset.url = target;
		return prefetch(p, o, paths, count);
	}
	fprintf(stderr,
		"cairn prefetch: %s is neither a store's URL nor in a running cairn "
		"mount\n",
		target);
	return EXIT_FAILURE;
}

int cmd_prefetch(int argc, char **argv)
{
	struct reader_options o;
	struct prefetch p = {0};
	struct trouble t = {0};
	const char *profile = NULL;
	int letter, status;
	bool taken;

	reader_options_init(&o);
	while ((letter = command_getopt(argc, argv)) != -1) {
		if (reader_option(&o, "prefetch", letter, optarg, &taken))
			return reader_options_end(&o, EXIT_USE);
		p.json |= letter == OPTION_JSON;
		p.metadata |= letter == OPTION_METADATA;
		if (letter == OPTION_PROFILE)
			profile = optarg;
	}
	if (optind >= argc)
		return reader_options_end(
			&o, command_use("prefetch", "a URL or a mount point is needed"));
	if (profile && argc - optind > 1)
		return reader_options_end(
			&o, command_use("prefetch", "--profile names the files: no PATH"));
	if (profile && profile_file_read(profile, &p.profile, &t))
		return reader_options_end(&o, command_fail("prefetch", &t));
	status = with_target(&p, &o, argv[optind], argv + optind + 1, argc - optind - 1);
	profile_free(p.profile);
	return reader_options_end(&o, status);
}
