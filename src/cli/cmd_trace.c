/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/json_output.h"
#include "cli/mounts.h"
#include "control/control_ask.h"

const struct option_help trace_options_help[] = {
	{"output", 'o', "FILE", "write there instead of the standard output"},
	{0},
};

struct tracing {
	const char *file; /* or NULL; made when the mount has begun to tell */
	struct trouble trouble;
};

static int trace_begin(struct tracing *t)
{
	if (t->file && !freopen(t->file, "w", stdout))
		return trouble_errno(&t->trouble, "%s", t->file);
	setvbuf(stdout, NULL, _IOLBF, 0);
	return 0;
}

static int trace_line(void *ctx, const json_t *line)
{
	struct tracing *t = ctx;
	int rc;

	if (json_object_get(line, "begun"))
		return trace_begin(t);
	rc = json_output(json_incref((json_t *)line), JSON_COMPACT);
	/* It is to be read while it is written. */
	if (!rc && fflush(stdout))
		rc = ERR_IO;
	return rc ? trouble_set(&t->trouble, rc, "it cannot be written: %s", error_text(rc))
		  : 0;
}

static int trace_mount(const char *mountpoint, const char *file)
{
	struct tracing t = {.file = file};
	struct trouble trouble = {0};
	json_t *request = json_pack("{s:s}", "command", "trace");
	char *path = mounts_socket(mountpoint);
	int rc = path ? control_ask_lines(
				path, mountpoint, request, 0, trace_line, &t, &trouble)
		      : trouble_set(&trouble, ERR_NO_MEMORY, "out of memory");

	free(path);
	json_decref(request);
	return rc ? command_fail("trace", t.trouble.code ? &t.trouble : &trouble)
		  : EXIT_SUCCESS;
}

int cmd_trace(int argc, char **argv)
{
	struct trouble t = {0};
	const char *file = NULL;
	char *mountpoint;
	int status;

	while (command_getopt(argc, argv) != -1)
		file = optarg;
	if (argc - optind != 1)
		return command_use("trace", "one MOUNTPOINT is needed");
	mountpoint = mounts_named(argv[optind], &t);
	if (!mountpoint)
		return command_fail("trace", &t);
	status = trace_mount(mountpoint, file);
	free(mountpoint);
	return status;
}
