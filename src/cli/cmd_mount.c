/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <getopt.h>
#include <stdlib.h>

#include "cli/mount_background.h"
#include "cli/mount_daemon.h"
#include "fs/mountpoint.h"

enum { OPTION_LOG = OPTION_OWN };

const struct option_help mount_options_help[] = {
	{"foreground", 'f', NULL, "stay in the foreground, log to stderr"},
	{"options", 'o', "OPTIONS",
		"open=MODE, allow_other, memory=SIZE, readahead=SIZE, quota=SIZE, ..."},
	{"log", OPTION_LOG, "FILE", "log there (default: syslog)"},
	READER_OPTIONS_HELP,
	{0},
};

static int parse_arguments(struct mount_request *m, int argc, char **argv)
{
	int letter, status = 0;
	bool taken;

	while (!status && (letter = command_getopt(argc, argv)) != -1) {
		if (letter == 'f')
			m->foreground = true;
		else if (letter == 'o')
			status = mount_request_words(m, optarg);
		else if (letter == OPTION_LOG)
			m->log_file = optarg;
		else
			status = reader_option(&m->reader, "mount", letter, optarg, &taken);
	}
	if (!status && argc - optind != 2)
		status = command_use("mount", "a URL and a MOUNTPOINT are needed");
	return status;
}

/* What can be said before anything is begun. *mountpoint: heap, absolute. */
static int check_mountpoint(struct mount_request *m, const char *path, char **mountpoint)
{
	struct trouble t = {0};

	if (mountpoint_check(path, m->session.nonempty, mountpoint, &t) ||
		mountpoint_permitted(m->session.allow_other, &t))
		return command_fail("mount", &t);
	m->session.mountpoint = *mountpoint;
	if (mount_request_finish(m)) {
		trouble_set(&t, ERR_NO_MEMORY, "out of memory");
		return command_fail("mount", &t);
	}
	return 0;
}

static int mount_foreground(struct mount_request *m)
{
	struct trouble t = {0};

	return mount_daemon_foreground(m, &t) ? command_fail("mount", &t) : EXIT_SUCCESS;
}

int cmd_mount(int argc, char **argv)
{
	struct mount_request m;
	char *mountpoint = NULL;
	int status;

	mount_request_init(&m);
	status = parse_arguments(&m, argc, argv);
	if (!status)
		status = check_mountpoint(&m, argv[optind + 1], &mountpoint);
	if (!status) {
		m.reader.dataset.url = argv[optind];
		m.reader.dataset.fetch_first = true;
		status = m.foreground ? mount_foreground(&m) : mount_background(&m);
	}
	free(mountpoint);
	mount_request_release(&m);
	return status;
}
