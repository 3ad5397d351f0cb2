/* SPDX-License-Identifier: MIT */

#include <config.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/mounts.h"
#include "fs/mount_ask.h"
#include "fs/mount_table.h"
#include "fs/mountpoint.h"
#include "util/clock.h"

#define WAIT_MS 10000 /* for the daemon to write what is pending and close its cache */
#define STEP_MS 20

const struct option_help umount_options_help[] = {
	{"lazy", 'l', NULL, "detach it now although it is in use"},
	{0},
};

/* What the mount told those who look for mounts: 0 when it could not. */
static pid_t noted_daemon_of(const char *path)
{
	struct mount_record m;
	char *below;
	pid_t pid;

	if (mounts_find(path, &m, &below))
		return 0;
	pid = *below ? 0 : m.pid;
	free(below);
	mount_record_release(&m);
	return pid;
}

/* Who serves the mount: 0 when it does not say. */
static pid_t daemon_of(const char *path)
{
	char *source = NULL;
	bool ours = false;
	pid_t pid;

	if (mount_table_find(path, &source, &ours) == 0)
		free(source);
	if (!ours)
		return 0;
	pid = noted_daemon_of(path);
	return pid ? pid : mount_ask_pid(path);
}

/* A descriptor that becomes readable when the process ends; -1 where there is none. */
static int open_process(pid_t pid)
{
#ifdef SYS_pidfd_open
	if (pid)
		return (int)syscall(SYS_pidfd_open, pid, 0);
#endif
	(void)pid;
	return -1;
}

static void umount_wait(pid_t pid, int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	const struct timespec step = {0, STEP_MS * NS_PER_MS};

	if (fd >= 0) {
		poll(&p, 1, WAIT_MS);
		return;
	}
	for (int i = 0; pid && i < WAIT_MS / STEP_MS; i++) {
		if (kill(pid, 0) && errno == ESRCH)
			return;
		nanosleep(&step, NULL);
	}
}

static int unmount(const char *path, bool lazy, struct trouble *t)
{
	char *real = realpath(path, NULL);
	pid_t pid;
	int fd, rc;

	if (!real)
		return trouble_errno(t, "%s", path);
	/* The daemon of a mount to be detached may be stuck: not to be asked. */
	pid = lazy ? 0 : daemon_of(real);
	fd = open_process(pid);
	rc = mountpoint_unmount(real, lazy, t);
	if (!rc)
		umount_wait(pid, fd);
	if (fd >= 0)
		close(fd);
	free(real);
	return rc;
}

int cmd_umount(int argc, char **argv)
{
	struct trouble t = {0};
	bool lazy = false;
	int status = EXIT_SUCCESS;

	while (command_getopt(argc, argv) != -1)
		lazy = true;
	if (optind >= argc)
		return command_use("umount", "a MOUNTPOINT is needed");
	for (; optind < argc; optind++)
		if (unmount(argv[optind], lazy, &t))
			status = command_fail("umount", &t);
	return status;
}
