/* SPDX-License-Identifier: MIT */
/*
 * Loads the tree of pages itself, without a kernel between, and prints what it took as a
 * JSON object:
 *
 *	treeload lookup URL CACHE CACERT KEY LIST
 *		each path in LIST, looked up from the root; again and again, and the
 *		seconds of the first pass (which finds nothing mapped) and of the fastest
 *	treeload diff URL CACHE CACERT KEY REVISION
 *		what differs between that revision and the newest
 *	treeload sample URL CACHE CACERT KEY COUNT
 *		instead prints the paths of entries picked at random
 *
 * Pages that are not in the cache are fetched. A lookup is an attempt of its own, as a
 * request of the kernel is; a path that is absent is an error.
 */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/reader.h"
#include "cache/attempt_pages.h"
#include "tree/diff.h"
#include "tree/tree.h"
#include "util/clock.h"

#define PASSES 5 /* over the paths */

struct load {
	struct reader_options options;
	struct reader reader;
	struct trouble trouble;
	uint64_t random;
};

static _Noreturn void die(struct load *l, const char *what)
{
	fprintf(stderr, "treeload: %s: %s\n", what,
		l->trouble.text[0] ? l->trouble.text : "that is no use of it");
	exit(1);
}

static double seconds_since(int64_t began)
{
	return (double)(clock_monotonic() - began) / NS_PER_SECOND;
}

static void set(struct load *l, int letter, const char *value)
{
	bool taken;

	if (reader_option(&l->options, "treeload", letter, value, &taken) != 0)
		die(l, value);
}

struct lookup {
	const struct digest *root;
	struct span path;
};

static int lookup_step(struct attempt *a, void *arg)
{
	const struct lookup *l = arg;
	struct page_source pages = attempt_pages(a);
	struct place place;
	struct entry entry;

	return tree_find_path(&pages, l->root, l->path, &place, &entry);
}

/* Returns how many. */
static uint64_t lookup_pass(struct load *l, FILE *in)
{
	const struct dataset *d = l->reader.dataset;
	struct lookup step = {.root = &d->manifest->root};
	uint64_t count = 0;
	char *line = NULL;
	size_t capacity = 0;
	ssize_t size;

	rewind(in);
	for (; (size = getline(&line, &capacity, in)) > 0; count++) {
		step.path = span_of(line, (size_t)size - (line[size - 1] == '\n'));
		if (source_run(d->source, lookup_step, &step, 0, FETCH_DEMAND,
			    &l->trouble) != 0)
			die(l, line);
	}
	free(line);
	return count;
}

static void lookup_all(struct load *l, const char *list)
{
	FILE *in = fopen(list, "r");
	double first = 0, fastest = 0;
	uint64_t count = 0;

	if (!in)
		die(l, list);
	for (unsigned pass = 0; pass < PASSES; pass++) {
		int64_t began = clock_monotonic();
		double seconds;

		count = lookup_pass(l, in);
		seconds = seconds_since(began);
		if (pass == 0)
			first = fastest = seconds;
		if (seconds < fastest)
			fastest = seconds;
	}
	printf("{\"first\": %.6f, \"seconds\": %.6f, \"operations\": %" PRIu64 "}\n", first,
		fastest, count);
	fclose(in);
}

struct difference {
	const struct digest *before, *after;
	struct tree_told told;
	uint64_t changes;
};

static int hear(void *ctx, enum tree_change change, const struct entry *before,
	const struct entry *after)
{
	(void)change, (void)before, (void)after;
	((struct difference *)ctx)->changes++;
	return 0;
}

static int diff_step(struct attempt *a, void *arg)
{
	struct difference *d = arg;
	struct page_source pages = attempt_pages(a);

	return tree_diff(&pages, d->before, d->after, &d->told, hear, d);
}

static void diff_all(struct load *l, const char *revision)
{
	struct dataset_options options = l->options.dataset;
	struct difference d = {.after = &l->reader.dataset->manifest->root};
	struct dataset *before;
	int64_t began = clock_monotonic();

	options.revision = strtoull(revision, NULL, 10);
	if (dataset_open(l->reader.engine, &options, &before, &l->trouble) != 0)
		die(l, revision);
	d.before = &before->manifest->root;
	if (source_run(l->reader.dataset->source, diff_step, &d, 0, FETCH_DEMAND,
		    &l->trouble) != 0)
		die(l, "diff");
	printf("{\"seconds\": %.6f, \"operations\": %" PRIu64 "}\n", seconds_since(began),
		d.changes);
	dataset_close(before);
}

struct pick {
	const struct digest *root;
	uint64_t number; /* tells which, of those below the root */
};

static int pick_step(struct attempt *a, void *arg)
{
	const struct pick *p = arg;
	struct page_source pages = attempt_pages(a);
	struct place place;
	struct entry e;
	uint64_t entries = 0;
	int rc = tree_count(&pages, p->root, &entries);

	if (rc == 0)
		rc = tree_at(&pages, p->root, 1 + p->number % (entries - 1), 0, &place, &e);
	if (rc == 0)
		printf("%.*s%s%.*s\n", (int)e.parent.size, (const char *)e.parent.data,
			e.parent.size > 0 ? "/" : "", (int)e.name.size,
			(const char *)e.name.data);
	return rc;
}

static void sample_all(struct load *l, const char *count)
{
	const struct dataset *d = l->reader.dataset;
	struct pick p = {.root = &d->manifest->root};

	for (uint64_t left = strtoull(count, NULL, 10); left > 0; left--) {
		/* Knuth's MMIX generator; the upper bits are the good ones. */
		l->random = l->random * UINT64_C(6364136223846793005) +
			    UINT64_C(1442695040888963407);
		p.number = l->random >> 24;
		if (source_run(d->source, pick_step, &p, 0, FETCH_DEMAND, &l->trouble) != 0)
			die(l, "sample");
	}
}

static const struct kind {
	const char *name;
	void (*run)(struct load *l, const char *argument);
} kinds[] = {
	{"lookup", lookup_all},
	{"diff", diff_all},
	{"sample", sample_all},
};

static const struct kind *find_kind(const char *name)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

int main(int argc, char **argv)
{
	struct load l = {0};
	const struct kind *kind = argc == 7 ? find_kind(argv[1]) : NULL;

	if (!kind) {
		fprintf(stderr, "use: treeload KIND URL CACHE CACERT KEY ARGUMENT\n");
		return 2;
	}
	reader_options_init(&l.options);
	l.options.dataset.url = argv[2];
	set(&l, OPTION_CACHE, argv[3]);
	set(&l, OPTION_CACERT, argv[4]);
	set(&l, OPTION_TRUST, argv[5]);
	if (reader_open(&l.reader, &l.options, NULL, &l.trouble) != 0)
		die(&l, argv[2]);
	kind->run(&l, argv[6]);
	reader_close(&l.reader);
	reader_options_release(&l.options);
	return 0;
}
