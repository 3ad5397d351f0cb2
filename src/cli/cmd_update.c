/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/mounts.h"
#include "control/control_ask.h"
#include "util/clock.h"

/* The manifest and the pages have a deadline each in the mount: this is for its end. */
#define UPDATE_WAIT (3600 * NS_PER_SECOND)

const struct option_help update_options_help[] = {
	{"all", 'a', NULL, "all mounts of this user"},
	{0},
};

static void update_print(const char *mountpoint, const json_t *reply)
{
	json_int_t before = json_integer_value(json_object_get(reply, "before"));
	json_int_t revision = json_integer_value(json_object_get(reply, "revision"));
	const char *stays = json_string_value(json_object_get(reply, "stays"));

	if (stays)
		printf("%s: %s\n", mountpoint, stays);
	else if (before == revision)
		printf("%s: revision %lld is the newest\n", mountpoint,
			(long long)revision);
	else
		printf("%s: revision %lld after %lld\n", mountpoint, (long long)revision,
			(long long)before);
}

/* `may_stay`: one that was made to stay is none that has failed. */
static int update_mount(const char *mountpoint, bool may_stay)
{
	char *path = mounts_socket(mountpoint);
	struct trouble t = {0}, about;
	const char *stays;
	json_t *reply = NULL;
	int rc = path ? control_ask(path, mountpoint, "update", UPDATE_WAIT, &reply, &t)
		      : trouble_set(&t, ERR_NO_MEMORY, "out of memory");

	free(path);
	stays = json_string_value(json_object_get(reply, "stays"));
	if (!rc && stays && !may_stay)
		rc = trouble_set(&t, ERR_INVALID, "%s", stays);
	if (rc)
		trouble_set(&about, rc, "%s: %s", mountpoint, t.text);
	else
		update_print(mountpoint, reply);
	json_decref(reply);
	return rc ? command_fail("update", &about) : EXIT_SUCCESS;
}

static int update_each(void *ctx, const struct mount_record *m)
{
	if (update_mount(m->mountpoint, true))
		*(int *)ctx = EXIT_FAILURE;
	return 0;
}

/* What lies below a mount point means the mount. */
static int update_named(const char *name)
{
	struct trouble t = {0};
	char *mountpoint = mounts_named(name, &t);
	int status;

	if (!mountpoint)
		return command_fail("update", &t);
	status = update_mount(mountpoint, false);
	free(mountpoint);
	return status;
}

int cmd_update(int argc, char **argv)
{
	int status = EXIT_SUCCESS;
	bool all = false;

	while (command_getopt(argc, argv) != -1)
		all = true;
	if (all == (optind < argc))
		return command_use("update", all ? "--all needs no MOUNTPOINT"
						 : "a MOUNTPOINT is needed, or --all");
	if (all)
		mounts_each(update_each, &status);
	for (; optind < argc; optind++)
		if (update_named(argv[optind]))
			status = EXIT_FAILURE;
	return status;
}
