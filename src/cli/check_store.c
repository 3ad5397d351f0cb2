/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/check_store.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/json_output.h"
#include "cli/progress.h"
#include "cli/size.h"
#include "format/json_byte_string.h"
#include "publish/store_check.h"
#include "publish/store_open.h"
#include "util/printable.h"

#define TOLD_MAX 20    /* findings of a kind that people are told */
#define JOBS_REMOTE 16 /* requests at a time: they wait more than they work */

enum told_kind { TOLD_STORE, TOLD_FILES, TOLD_UNREFERENCED, TOLD_KINDS };

struct store_checking {
	const struct check_store_options *options;
	struct store_check_options o;
	struct log *log;
	struct progress *progress;
	uint64_t told[TOLD_KINDS];
};

static const char *about_text(enum check_about about)
{
	static const char *const texts[] = {"manifest", "revision", "tag", "page", "recipe",
		"chunk", "file", "files", "unreferenced"};

	return texts[about];
}

static const char *check_weight(const struct check_finding *f)
{
	return f->about == CHECK_UNREFERENCED ? "advice" : f->mended ? "good" : "wrong";
}

static void check_finding_json(const struct check_finding *f)
{
	json_t *o = json_pack("{s:s, s:s, s:o, s:o}", "about", about_text(f->about),
		"weight", check_weight(f), "text", json_output_words(f->text), "path",
		json_output_words(f->path));

	if (o && f->revision)
		json_object_set_new(o, "revision", json_output_number(f->revision));
	if (o && f->name.size)
		json_object_set_new(o, "file", json_byte_string(f->name));
	if (o && f->about == CHECK_UNREFERENCED)
		json_object_set_new(o, "bytes", json_output_number(f->size));
	if (o && f->mended)
		json_object_set_new(o, "mended", json_true());
	json_output(o, JSON_COMPACT);
}

static void check_finding_text(const struct check_finding *f)
{
	char *name = f->name.size ? span_to_string(f->name) : NULL;
	char text[TROUBLE_MAX];

	snprintf(text, sizeof text, "%s", f->text);
	printable_clean(text);
	if (name)
		printable_clean(name);
	if (f->about == CHECK_FILE || f->about == CHECK_FILES)
		printf("%-7s revision %llu: %s: %s\n", check_weight(f),
			(unsigned long long)f->revision, name ? name : "/", text);
	else if (f->about == CHECK_UNREFERENCED)
		printf("%-7s %s: %s\n", check_weight(f), f->path, text);
	else
		printf("%-7s %s%s\n", check_weight(f), text, f->mended ? "; mended" : "");
	free(name);
}

static void check_say_finding(void *ctx, const struct check_finding *f)
{
	struct store_checking *c = ctx;
	enum told_kind kind = f->about == CHECK_FILE || f->about == CHECK_FILES ? TOLD_FILES
			      : f->about == CHECK_UNREFERENCED ? TOLD_UNREFERENCED
							       : TOLD_STORE;

	progress_hide();
	if (c->options->json)
		check_finding_json(f);
	else if (++c->told[kind] <= TOLD_MAX)
		check_finding_text(f);
}

static void check_show(void *ctx, const struct store_check_counts *n)
{
	struct store_checking *c = ctx;
	char note[128];

	snprintf(note, sizeof note, "%llu blobs looked at, %llu read",
		(unsigned long long)n->blobs, (unsigned long long)n->read);
	progress_say(c->progress, note);
	progress_set_total(c->progress, n->bytes < n->total_bytes ? n->total_bytes : 0);
	progress_set(c->progress, n->bytes);
}

static struct store_remote_options remote_options(const struct store_checking *c)
{
	return (struct store_remote_options){.log = c->log,
		.credentials = &c->options->reader->credentials,
		.timeout = c->options->reader->dataset.deadline_ns};
}

static int open_mirrors_of(void *ctx, const struct manifest *m, struct store **out)
{
	struct store_checking *c = ctx;
	struct store_remote_options remote = remote_options(c);
	int rc = ERR_ABSENT;

	for (size_t i = 0; rc && i < m->mirror_count; i++)
		rc = store_remote_open(m->mirrors[i], &remote, out, NULL);
	if (!rc)
		store_remote_add_mirrors(*out, m);
	return rc;
}

/* A store, or else a directory whose files may be what is missing. */
static int open_from(struct store_checking *c, struct trouble *t)
{
	const struct store_open_options reading = {
		.access = STORE_READ, .remote = remote_options(c)};
	const char *from = c->options->from;
	int rc = store_open(from, &reading, &c->o.from, t);

	if (rc != ERR_INVALID)
		return rc;
	c->o.source = open(from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return c->o.source < 0 ? trouble_errno(t, "cannot open %s", from) : 0;
}

static int check_open(struct store_checking *c, const char *given, struct trouble *t)
{
	const struct store_open_options opening = {
		.access = c->options->repair ? STORE_WRITE : STORE_READ,
		.remote = remote_options(c)};
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	int rc = credentials_check(&c->options->reader->credentials, t);

	if (!rc && c->options->reader->dataset.trust)
		rc = signers_add_text(&c->o.trust, c->options->reader->dataset.trust, t);
	if (!rc)
		rc = store_open(given, &opening, &c->o.store, t);
	if (!rc && c->options->from)
		rc = open_from(c, t);
	if (rc)
		return rc;
	c->o.jobs = c->options->jobs  ? c->options->jobs
		    : !c->o.store->st ? JOBS_REMOTE
		    : processors > 1  ? (unsigned)processors
				      : 1;
	return 0;
}

static void check_print_more(const struct store_checking *c)
{
	static const char *const kinds[] = {"files of the store", "files of the dataset",
		"blobs that nothing refers to"};

	for (int i = 0; i < TOLD_KINDS; i++)
		if (c->told[i] > TOLD_MAX)
			printf("and %llu more %s: --json tells all\n",
				(unsigned long long)(c->told[i] - TOLD_MAX), kinds[i]);
}

static int check_print(struct store_checking *c, const struct store_check_counts *n)
{
	char size[SIZE_TEXT], spare[SIZE_TEXT];

	if (c->options->json)
		return json_output(
			json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
				  "s:b, s:o, s:o}",
				"about", "store", "weight",
				n->rotten > n->mended ? "wrong" : "good", "text", "summary",
				"revisions", json_output_number(n->revisions), "tags",
				json_output_number(n->tags), "blobs",
				json_output_number(n->blobs), "bytes",
				json_output_number(n->bytes), "read",
				json_output_number(n->read), "rotten",
				json_output_number(n->rotten), "mended",
				json_output_number(n->mended), "files",
				json_output_number(n->files), "listed", (int)n->listed,
				"unreferenced", json_output_number(n->unreferenced),
				"unreferenced_bytes",
				json_output_number(n->unreferenced_bytes)),
			JSON_COMPACT);
	check_print_more(c);
	printf("looked at %llu revisions, %llu tags, %llu blobs (%s), of which %llu were "
	       "decoded\n",
		(unsigned long long)n->revisions, (unsigned long long)n->tags,
		(unsigned long long)n->blobs, size_text(n->bytes, size),
		(unsigned long long)n->read);
	if (n->unreferenced)
		printf("%llu blobs (%s) are referred to by no revision\n",
			(unsigned long long)n->unreferenced,
			size_text(n->unreferenced_bytes, spare));
	if (n->mended)
		printf("%llu of %llu were mended\n", (unsigned long long)n->mended,
			(unsigned long long)n->rotten);
	return 0;
}

static int check_run_store(struct store_checking *c, const char *given, struct trouble *t)
{
	struct store_check_counts n;
	int rc, printed;

	c->progress = progress_new("check");
	c->o.progress = c->progress ? check_show : NULL;
	rc = store_check(&c->o, &n, t);
	progress_end(c->progress);
	if (rc)
		return rc;
	printed = check_print(c, &n);
	if (n.rotten > n.mended)
		return trouble_set(t, ERR_CORRUPT,
			"%s: %llu files of the store are rotten or missing, which hits "
			"%llu files",
			given, (unsigned long long)(n.rotten - n.mended),
			(unsigned long long)n.files);
	return printed;
}

int check_store(
	const char *given, const struct check_store_options *options, struct trouble *t)
{
	struct store_checking c = {
		.options = options,
		.o = {.percent = options->percent,
			.repair = options->repair,
			.source = -1,
			.say = check_say_finding,
			.mirrors = open_mirrors_of},
	};
	int rc;

	c.o.ctx = &c;
	c.log = log_new_stderr(LOG_LEVEL_WARNING);
	log_before_line(c.log, progress_hide);
	rc = check_open(&c, given, t);
	if (!rc)
		rc = check_run_store(&c, given, t);
	store_close(c.o.from);
	store_close(c.o.store);
	if (c.o.source >= 0)
		close(c.o.source);
	log_free(c.log);
	return rc;
}
