/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/json_output.h"
#include "cli/progress.h"
#include "cli/reader_options.h"
#include "cli/size.h"
#include "publish/store_copy.h"
#include "publish/store_open.h"
#include "util/printable.h"

#define COPY_JOBS_MAX 256
#define COPY_JOBS_REMOTE 16 /* requests at a time: they wait more than they work */
#define COPY_SAID_MAX 20    /* sentences for people; --json has all */

enum { OPTION_JSON = OPTION_OWN, OPTION_REPLACE, OPTION_READ_DATA };

const struct option_help copy_options_help[] = {
	{"revision", OPTION_REVISION, "N", "this revision; may be repeated (default: all)"},
	{"tag", OPTION_TAG, "TAG", "this tag and its revision; may be repeated"},
	{"trust", OPTION_TRUST, "PUBKEY",
		"the key that has to have signed; may be repeated"},
	{"replace", OPTION_REPLACE, NULL,
		"also where DST holds another dataset, or is signed by another key"},
	{"read-data", OPTION_READ_DATA, NULL,
		"decode all that DST has, and bring anew what is rotten"},
	{"jobs", 'j', "N", "blobs at a time (default: one per processor; of a server 16)"},
	{"cacert", OPTION_CACERT, "FILE", "believe these CAs instead of the system's"},
	{"cert", OPTION_CERT, "FILE", "client certificate"},
	{"cert-key", OPTION_CERT_KEY, "FILE", "key of the client certificate"},
	{"bearer-file", OPTION_BEARER_FILE, "FILE", "file with a bearer token"},
	{"proxy", OPTION_PROXY, "URL", "proxy (default: the environment's)"},
	{"netrc", OPTION_NETRC, NULL, "take user and password from ~/.netrc"},
	{"timeout", OPTION_TIMEOUT, "SECONDS", "give up on a request after (default: 60)"},
	{"json", OPTION_JSON, NULL, "one JSON object a line: troubles, then the summary"},
	{0},
};

struct copy_command {
	struct reader_options reader;
	struct store_copy_options o;
	struct log *log;
	struct progress *progress;
	bool json;
	unsigned said;
};

static int copy_take_number(struct copy_command *c, int letter)
{
	uint64_t number;

	if (letter == 'j') {
		if (number_parse(optarg, COPY_JOBS_MAX, &number) || number == 0)
			return command_use("copy", "--jobs takes a number from 1 to %d",
				COPY_JOBS_MAX);
		c->o.jobs = (unsigned)number;
		return 0;
	}
	if (number_parse(optarg, REVISION_MAX, &number) || number == 0)
		return command_use("copy", "'%s' is not a revision number", optarg);
	if (c->o.revision_count == COPY_NAMES_MAX)
		return command_use("copy", "at most %d revisions", COPY_NAMES_MAX);
	c->o.revisions[c->o.revision_count++] = number;
	return 0;
}

static int copy_take_option(struct copy_command *c, int letter)
{
	struct trouble t = {0};
	bool taken;

	switch (letter) {
	case 'j':
	case OPTION_REVISION:
		return copy_take_number(c, letter);
	case OPTION_TAG:
		if (c->o.tag_count == COPY_NAMES_MAX)
			return command_use("copy", "at most %d tags", COPY_NAMES_MAX);
		c->o.tags[c->o.tag_count++] = optarg;
		return 0;
	case OPTION_TRUST:
		return signers_add_text(&c->o.trust, optarg, &t)
			       ? command_use("copy", "%s", t.text)
			       : 0;
	case OPTION_REPLACE:
		c->o.replace = true;
		return 0;
	case OPTION_READ_DATA:
		c->o.read_all = true;
		return 0;
	case OPTION_JSON:
		c->json = true;
		return 0;
	default:
		return reader_option(&c->reader, "copy", letter, optarg, &taken);
	}
}

static void copy_say_trouble(void *ctx, const struct trouble *t)
{
	struct copy_command *c = ctx;
	char text[TROUBLE_MAX];

	if (c->json) {
		json_output(json_pack("{s:s, s:o}", "trouble", error_text(t->code), "text",
				    json_output_words(t->text)),
			JSON_COMPACT);
		return;
	}
	if (++c->said > COPY_SAID_MAX)
		return;
	progress_hide();
	snprintf(text, sizeof text, "%s", t->text);
	printable_clean(text);
	fprintf(stderr, "cairn copy: %s\n", text);
}

static void copy_show(void *ctx, const struct store_copy_counts *counts)
{
	struct copy_command *c = ctx;
	char note[128];

	snprintf(note, sizeof note, "revision %llu of %llu, %llu blobs looked at",
		(unsigned long long)counts->revision,
		(unsigned long long)counts->newest_from,
		(unsigned long long)counts->looked_at);
	progress_say(c->progress, note);
	progress_set(c->progress, counts->bytes);
}

static int copy_print(struct copy_command *c, const char *to,
	const struct store_copy_counts *n, bool whole)
{
	char key[PUBLIC_KEY_TEXT_SIZE], size[SIZE_TEXT];

	public_key_to_text(&n->key, key);
	if (c->json)
		return json_output(
			json_pack("{s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s}",
				"store", json_output_words(to), "whole", (int)whole,
				"revisions", json_output_number(n->revisions), "tags",
				json_output_number(n->tags), "blobs",
				json_output_number(n->blobs), "bytes",
				json_output_number(n->bytes), "left_out",
				json_output_number(n->left_out), "lacking",
				json_output_number(n->lacking), "newest",
				json_output_number(n->newest_to), "source_newest",
				json_output_number(n->newest_from), "key", key),
			JSON_COMPACT);
	if (c->said > COPY_SAID_MAX)
		fprintf(stderr, "cairn copy: %u more of the kind: --json has all\n",
			c->said - COPY_SAID_MAX);
	printf("copied %llu revisions, %llu tags: %llu blobs, %s\n",
		(unsigned long long)n->revisions, (unsigned long long)n->tags,
		(unsigned long long)n->blobs, size_text(n->bytes, size));
	if (n->newest_to)
		printf("revision %llu is the newest of %s%s; the publisher's key is %s\n",
			(unsigned long long)n->newest_to, to,
			n->newest_to > n->newest_from ? ", newer than what was copied" : "",
			key);
	return 0;
}

/* Is it the very same directory? */
static int copy_check_apart(
	const struct store *from, const struct store *to, struct trouble *t)
{
	if (!from->st || !to->st || from->st->st_ino != to->st->st_ino ||
		from->st->st_dev != to->st->st_dev)
		return 0;
	return trouble_set(t, ERR_INVALID, "%s and %s are the same store", store_name(from),
		store_name(to));
}

static void copy_choose_jobs(struct copy_command *c)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	if (!c->o.jobs)
		c->o.jobs = !c->o.from->st   ? COPY_JOBS_REMOTE
			    : processors > 1 ? (unsigned)processors
					     : 1;
	if (c->o.jobs > COPY_JOBS_MAX)
		c->o.jobs = COPY_JOBS_MAX;
}

static int copy_stores(struct copy_command *c, const char *to, struct trouble *t)
{
	struct store_copy_counts counts;
	struct trouble why = {0};
	int rc = copy_check_apart(c->o.from, c->o.to, t);

	if (rc)
		return rc;
	copy_choose_jobs(c);
	c->progress = progress_new("copy");
	c->o.progress = c->progress ? copy_show : NULL;
	c->o.say = copy_say_trouble;
	c->o.ctx = c;
	rc = store_copy(&c->o, &counts, t);
	progress_end(c->progress);
	if (!rc || counts.left_out) {
		int printed = copy_print(c, to, &counts, !rc);

		rc = rc ? rc : printed;
	}
	if (!rc && store_check_readable(c->o.to, &why))
		log_warning(c->log, "%s", why.text);
	if (rc && counts.blobs == 0)
		store_discard(c->o.to);
	fflush(stdout); /* before what is said of all */
	return rc;
}

/* The source first: a slip in its name should leave no store behind. */
static int copy_open(
	struct copy_command *c, const char *from, const char *to, struct trouble *t)
{
	struct store_open_options reading = {
		.access = STORE_READ,
		.remote = {.log = c->log,
			.credentials = &c->reader.credentials,
			.timeout = c->reader.dataset.deadline_ns},
	};
	struct store_open_options writing = {.access = STORE_MAKE};
	int rc = credentials_check(&c->reader.credentials, t);

	if (!rc)
		rc = store_open(from, &reading, &c->o.from, t);
	if (!rc)
		rc = store_open(to, &writing, &c->o.to, t);
	return rc;
}

static int copy_run(struct copy_command *c, const char *from, const char *to)
{
	struct trouble t = {0};
	int rc;

	c->log = log_new_stderr(LOG_LEVEL_WARNING);
	log_before_line(c->log, progress_hide);
	rc = copy_open(c, from, to, &t);
	if (!rc)
		rc = copy_stores(c, to, &t);
	store_close(c->o.from);
	store_close(c->o.to);
	log_free(c->log);
	if (rc && t.code != rc)
		trouble_set(&t, rc, "cannot copy %s: %s", from, error_text(rc));
	return rc ? command_fail("copy", &t) : EXIT_SUCCESS;
}

int cmd_copy(int argc, char **argv)
{
	struct copy_command *c = calloc(1, sizeof *c);
	const struct trouble none = {.code = ERR_NO_MEMORY, .text = "no memory is left"};
	int letter, status = 0;

	if (!c)
		return command_fail("copy", &none);
	reader_options_init(&c->reader);
	while (!status && (letter = command_getopt(argc, argv)) != -1)
		status = copy_take_option(c, letter);
	if (!status && argc - optind != 2)
		status = command_use("copy", "a store to copy and where to are needed");
	if (!status)
		status = copy_run(c, argv[optind], argv[optind + 1]);
	status = reader_options_end(&c->reader, status);
	free(c);
	return status;
}
