/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/mount_background.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/mount_daemon.h"

static bool get_verdict(int channel, struct mount_verdict *v)
{
	return recv(channel, v, sizeof *v, MSG_WAITALL) == (ssize_t)sizeof *v;
}

/* It said nothing: what the system knows of its end. */
static int ended_silently(pid_t daemon)
{
	struct trouble t = {0};
	int status = 0;

	if (waitpid(daemon, &status, 0) == daemon && WIFSIGNALED(status))
		trouble_set(&t, ERR_IO,
			"the process of the mount was ended by signal %d (%s) before it "
			"answered",
			WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		trouble_set(&t, ERR_IO,
			"the process of the mount ended with status %d before it answered, "
			"and did not say why",
			WEXITSTATUS(status));
	return command_fail("mount", &t);
}

static int tell_starter(const struct mount_verdict *v)
{
	struct trouble t = {.code = v->code};

	snprintf(t.text, sizeof t.text, "%s", v->text);
	return command_fail("mount", &t);
}

/* The mount is there: does it answer? */
static int prove(const char *mountpoint, pid_t daemon, int channel)
{
	struct stat st;
	struct mount_verdict v;
	char word = MOUNT_KEEP;
	int errnum = stat(mountpoint, &st) ? errno : 0;

	if (errnum)
		word = MOUNT_DROP;
	if (send(channel, &word, 1, MSG_NOSIGNAL) != 1)
		return ended_silently(daemon);
	if (!errnum)
		return EXIT_SUCCESS;
	if (!get_verdict(channel, &v))
		return ended_silently(daemon);
	if (!v.text[0])
		snprintf(v.text, sizeof v.text, "the mount on %s does not answer: %s",
			mountpoint, strerror(errnum));
	return tell_starter(&v);
}

static int await(const char *mountpoint, pid_t daemon, int channel)
{
	struct mount_verdict v;
	int status;

	if (!get_verdict(channel, &v))
		status = ended_silently(daemon);
	else if (v.code)
		status = tell_starter(&v);
	else
		status = prove(mountpoint, daemon, channel);
	if (status)
		waitpid(daemon, NULL, 0); /* so that the mount is gone when we are */
	return status;
}

int mount_background(struct mount_request *m)
{
	struct trouble t = {0};
	int ends[2], status;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) {
		trouble_errno(&t, "cannot talk to the background");
		return command_fail("mount", &t);
	}
	fcntl(ends[0], F_SETFD, FD_CLOEXEC);
	fcntl(ends[1], F_SETFD, FD_CLOEXEC);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		return mount_daemon_run(m, ends[1]);
	}
	close(ends[1]);
	if (pid > 0) {
		status = await(m->session.mountpoint, pid, ends[0]);
	} else {
		trouble_errno(&t, "cannot go to the background");
		status = command_fail("mount", &t);
	}
	close(ends[0]);
	return status;
}
