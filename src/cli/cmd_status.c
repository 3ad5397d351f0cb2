/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/json_output.h"
#include "cli/mounts.h"
#include "cli/status_text.h"
#include "control/control_ask.h"
#include "util/clock.h"

#define STATUS_WAIT (5 * NS_PER_SECOND)

enum { OPTION_JSON = 300 };

const struct option_help status_options_help[] = {
	{"json", OPTION_JSON, NULL, "print JSON for programs"},
	{0},
};

static int status_mount(const char *mountpoint, bool json, struct trouble *t)
{
	char *path = mounts_socket(mountpoint);
	json_t *reply;
	int rc = path ? control_ask(path, mountpoint, "status", STATUS_WAIT, &reply, t)
		      : trouble_set(t, ERR_NO_MEMORY, "out of memory");

	free(path);
	if (rc)
		return command_fail("status", t);
	if (json)
		return json_output(reply, JSON_INDENT(1)) ? EXIT_FAILURE : EXIT_SUCCESS;
	status_text(stdout, reply, NULL, 0);
	json_decref(reply);
	return EXIT_SUCCESS;
}

/* What lies below a mount point means the mount. */
static int status_named(const char *name, bool json)
{
	struct trouble t = {0};
	struct mount_record m;
	char *below;
	int status;

	if (mounts_find(name, &m, &below)) {
		trouble_set(&t, ERR_ABSENT, "%s: no mount of yours is there", name);
		return command_fail("status", &t);
	}
	status = status_mount(m.mountpoint, json, &t);
	free(below);
	mount_record_release(&m);
	return status;
}

int cmd_status(int argc, char **argv)
{
	bool json = false;

	while (command_getopt(argc, argv) != -1)
		json = true;
	if (argc - optind != 1)
		return command_use("status", "a MOUNTPOINT is needed");
	return command_end("status", status_named(argv[optind], json));
}
