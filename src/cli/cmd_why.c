/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/json_output.h"
#include "cli/mounts.h"
#include "cli/status_reply.h"
#include "control/control_ask.h"
#include "format/json_byte_string.h"
#include "util/clock.h"
#include "util/printable.h"

#define WHY_WAIT                                                                           \
	(10 * NS_PER_SECOND) /* for each line; nothing there waits for a server            \
			      */
#define OPTION_JSON 256

const struct option_help why_options_help[] = {
	{"json", OPTION_JSON, NULL, "print JSON for programs"},
	{0},
};

struct why {
	const char *mountpoint;
	json_t *requests; /* --json: all of them */
	uint64_t shown;	  /* else */
	uint64_t parked;
};

static double seconds_of(const json_t *o, const char *key)
{
	return (double)reply_number(o, key, NULL) / 1000;
}

static void print_mountpoint(const struct why *w)
{
	char *text = strdup(w->mountpoint);

	if (text)
		printable_clean(text);
	fputs(text ? text : "?", stdout);
	free(text);
}

static void print_path(const struct why *w, const json_t *line)
{
	print_mountpoint(w);
	if (reply_is(line, "path", NULL, ""))
		return;
	putchar('/');
	reply_print(stdout, line, "path", NULL);
}

static void print_stage(const json_t *blob)
{
	static const char *const stages[][2] = {
		{"local", "looked for in the cache"},
		{"queued", "waits for its turn to be asked for"},
		{"fetching", "asked for"},
		{"decoding", "here, and being checked"},
		{"arrived", "here, and about to be handed over"},
	};

	if (reply_is(blob, "stage", NULL, "waiting"))
		printf("asked for again in %.1f s", seconds_of(blob, "again_ms"));
	for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++)
		if (reply_is(blob, "stage", NULL, stages[i][0]))
			fputs(stages[i][1], stdout);
}

static void print_blob(const json_t *blob)
{
	uint64_t tries = reply_number(blob, "try", NULL);

	fputs("  ", stdout);
	reply_print(stdout, blob, "kind", NULL);
	putchar(' ');
	reply_print(stdout, blob, "digest", NULL);
	fputs("\n    ", stdout);
	print_stage(blob);
	if (json_object_get(blob, "mirror")) {
		fputs(": ", stdout);
		reply_print(stdout, blob, "mirror", NULL);
	}
	if (tries)
		printf(", try %llu", (unsigned long long)tries);
	if (json_object_get(blob, "left_ms"))
		printf(", %.1f s left", seconds_of(blob, "left_ms"));
	putchar('\n');
	if (json_object_get(blob, "error")) {
		fputs("    last error: ", stdout);
		reply_print(stdout, blob, "error", NULL);
		putchar('\n');
	}
}

static void print_blobs(const json_t *line)
{
	const json_t *blobs = json_object_get(line, "blobs");
	uint64_t count = reply_number(line, "blob_count", NULL);
	size_t shown = json_array_size(blobs);

	for (size_t i = 0; i < shown; i++)
		print_blob(json_array_get(blobs, i));
	if (count > shown)
		printf("  and %llu more\n", (unsigned long long)(count - shown));
	if (json_is_true(json_object_get(line, "manifest")))
		puts("  a manifest or a tag is asked for");
	else if (!count)
		puts("  what it waited for has come");
}

static void print_request(const struct why *w, const json_t *line)
{
	uint64_t pid = reply_number(line, "process", "pid");

	reply_print(stdout, line, "process", "comm");
	if (pid)
		printf(" (pid %llu)", (unsigned long long)pid);
	printf(" has waited for %.1f s: ", seconds_of(line, "waited_ms"));
	reply_print(stdout, line, "operation", NULL);
	fputs(" of ", stdout);
	print_path(w, line);
	if (json_object_get(line, "offset"))
		printf(", %llu bytes at %llu",
			(unsigned long long)reply_number(line, "size", NULL),
			(unsigned long long)reply_number(line, "offset", NULL));
	putchar('\n');
	print_blobs(line);
}

static int why_line(void *ctx, const json_t *line)
{
	struct why *w = ctx;
	if (json_object_get(line, "parked")) {
		w->parked = reply_number(line, "parked", NULL);
	} else if (w->requests) {
		if (json_array_append(w->requests, (json_t *)line))
			return ERR_NO_MEMORY;
	} else {
		print_request(w, line);
		w->shown++;
	}
	return 0;
}

static int why_ask(struct why *w, struct trouble *t)
{
	json_t *request = json_pack("{s:s}", "command", "why");
	char *path = mounts_socket(w->mountpoint);
	int rc = path ? control_ask_lines(
				path, w->mountpoint, request, WHY_WAIT, why_line, w, t)
		      : trouble_set(t, ERR_NO_MEMORY, "out of memory");

	free(path);
	json_decref(request);
	return rc;
}

static void why_sum_up(const struct why *w)
{
	if (w->parked > w->shown)
		printf("%llu wait that are not shown\n",
			(unsigned long long)(w->parked - w->shown));
	if (!w->parked && !w->shown) {
		print_mountpoint(w);
		puts(": nothing waits");
	}
}

static int why_mount(const char *mountpoint, bool json)
{
	struct why w = {.mountpoint = mountpoint, .requests = json ? json_array() : NULL};
	struct trouble t = {0};
	int rc = why_ask(&w, &t);

	if (!rc && json)
		rc = json_output(
			json_pack("{s:o,s:I,s:O}", "mountpoint",
				json_byte_string(span_of_string(mountpoint)), "parked",
				(json_int_t)w.parked, "requests", w.requests),
			JSON_INDENT(2));
	else if (!rc)
		why_sum_up(&w);
	json_decref(w.requests);
	return rc ? command_fail("why", &t) : EXIT_SUCCESS;
}

int cmd_why(int argc, char **argv)
{
	struct trouble t = {0};
	bool json = false;
	char *mountpoint;
	int status;

	while (command_getopt(argc, argv) != -1)
		json = true;
	if (argc - optind != 1)
		return command_use("why", "one MOUNTPOINT is needed");
	mountpoint = mounts_named(argv[optind], &t);
	if (!mountpoint)
		return command_fail("why", &t);
	status = why_mount(mountpoint, json);
	free(mountpoint);
	return status;
}
