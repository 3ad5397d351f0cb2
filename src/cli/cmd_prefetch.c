/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/entry_text.h"
#include "cli/prefetcher.h"
#include "cli/mounts.h"
#include "cli/progress.h"
#include "cli/selection.h"
#include "cli/size.h"
#include "util/clock.h"

enum { OPTION_JSON = OPTION_OWN, OPTION_METADATA };
#define FAILURES_SHOWN 20

const struct option_help prefetch_options_help[] = {
	{"metadata", OPTION_METADATA, NULL, "only names and attributes, no contents"},
	{"json", OPTION_JSON, NULL, "the summary as a JSON object"},
	READER_OPTIONS_HELP,
	{0},
};

struct prefetch {
	struct reader *reader;
	struct prefetcher *prefetcher;
	struct progress *progress;
	bool metadata, json, counting;
	uint64_t entries, bytes; /* found by the counting walk */
	uint64_t seen;		 /* bytes of files walked over by the second */
	uint64_t failures;
	int64_t began;
};

static void prefetch_failed(void *ctx, const char *path, const struct trouble *t)
{
	struct prefetch *p = ctx;

	if (p->failures++ < FAILURES_SHOWN)
		fprintf(stderr, "cairn prefetch: %s: %s\n", path ? path : "?",
			t->text[0] ? t->text : error_text(t->code));
}

static int prefetch_entry(
	void *ctx, const struct entry *e, uint64_t rank, struct trouble *t)
{
	struct prefetch *p = ctx;
	char *path;

	(void)rank;
	if (p->counting) {
		p->entries++;
		p->bytes += e->type == ENTRY_FILE ? entry_data_size(e) : 0;
		progress_set(p->progress, p->bytes, 0, "listing");
		return 0;
	}
	p->seen += e->type == ENTRY_FILE ? entry_data_size(e) : 0;
	progress_set(p->progress, p->seen, p->bytes, NULL);
	/* A file whose own recipe cannot be had does not stop the others. */
	if (prefetcher_add(p->prefetcher, e, t)) {
		path = entry_path_text(e);
		prefetch_failed(p, path, t);
		free(path);
		memset(t, 0, sizeof *t);
	}
	return 0;
}

static int prefetch_selected(void *ctx, const char *path, const struct entry *e,
	uint64_t rank, struct trouble *t)
{
	struct prefetch *p = ctx;
	uint64_t first, end;
	int rc = prefetch_entry(p, e, rank, t);

	if (rc || e->type != ENTRY_DIRECTORY)
		return rc;
	rc = reader_subtree(p->reader, path, &first, &end, t);
	return rc ? rc : reader_walk(p->reader, first, end, prefetch_entry, p, t);
}

/* Once over the metadata, for the totals, and once over the contents. */
static int prefetch_passes(struct prefetch *p, char **paths, int count, struct trouble *t)
{
	static char *whole[] = {(char *)""};
	int rc = 0;

	if (count == 0) {
		paths = whole;
		count = 1;
	}
	for (int pass = 0; pass < (p->metadata ? 1 : 2) && !rc; pass++) {
		p->counting = pass == 0;
		for (int i = 0; i < count && !rc; i++)
			rc = selection_each(p->reader, paths[i], prefetch_selected, p, t);
	}
	prefetcher_finish(p->prefetcher);
	return rc;
}

static void summary(const struct prefetch *p)
{
	uint64_t present, fetched;
	double seconds = (double)(clock_monotonic() - p->began) / 1e9;
	char here[SIZE_TEXT], got[SIZE_TEXT], rate[SIZE_TEXT];

	prefetcher_count(p->prefetcher, &present, &fetched);
	if (p->json) {
		printf("{\"entries\":%llu,\"bytes\":%llu,\"present\":%llu,\"fetched\":%llu,"
		       "\"failures\":%llu,\"seconds\":%.3f}\n",
			(unsigned long long)p->entries, (unsigned long long)p->bytes,
			(unsigned long long)present, (unsigned long long)fetched,
			(unsigned long long)p->failures, seconds);
		return;
	}
	printf("%llu entries, %s of contents in the cache, %s fetched in %.1f s (%s/s)\n",
		(unsigned long long)p->entries, size_text(present, here),
		size_text(fetched, got), seconds,
		size_text((uint64_t)((double)fetched / (seconds > 0 ? seconds : 1)), rate));
	if (p->failures)
		fprintf(stderr,
			"cairn prefetch: %llu pieces could not be had; run it again to go "
			"on\n",
			(unsigned long long)p->failures);
}

static int prefetch(
	struct prefetch *p, const struct reader_options *o, char **paths, int count)
{
	struct reader r;
	struct trouble t = {0};
	int rc = reader_open(&r, o, NULL, &t);

	if (rc)
		return command_fail("prefetch", &t);
	p->reader = &r;
	p->began = clock_monotonic();
	p->progress = progress_new("prefetch");
	rc = prefetcher_new(&r, prefetch_failed, p, &p->prefetcher);
	if (!rc)
		rc = prefetch_passes(p, paths, count, &t);
	progress_end(p->progress);
	if (rc)
		command_fail("prefetch", &t);
	else
		summary(p);
	prefetcher_free(p->prefetcher);
	reader_close(&r);
	return rc || p->failures ? EXIT_FAILURE : EXIT_SUCCESS;
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
	int letter, status;
	bool taken;

	reader_options_init(&o);
	while ((letter = command_getopt(argc, argv)) != -1) {
		if (reader_option(&o, "prefetch", letter, optarg, &taken))
			return reader_options_end(&o, EXIT_USE);
		p.json |= letter == OPTION_JSON;
		p.metadata |= letter == OPTION_METADATA;
	}
	if (optind >= argc)
		return reader_options_end(
			&o, command_use("prefetch", "a URL or a mount point is needed"));
	status = with_target(&p, &o, argv[optind], argv + optind + 1, argc - optind - 1);
	return reader_options_end(&o, status);
}
