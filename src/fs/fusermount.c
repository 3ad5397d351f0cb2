/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/fusermount.h"

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define DIRECTORIES "/usr/bin:/bin:/usr/local/bin:/usr/local/sbin"

extern char **environ;

static bool is_in(const char *directories)
{
	char path[4096];

	while (directories && *directories) {
		size_t n = strcspn(directories, ":");

		if (n && n + sizeof "/" FUSERMOUNT < sizeof path) {
			snprintf(path, sizeof path, "%.*s/%s", (int)n, directories,
				FUSERMOUNT);
			if (access(path, X_OK) == 0)
				return true;
		}
		directories += n + (directories[n] == ':');
	}
	return false;
}

bool fusermount_is_there(void)
{
	return is_in(DIRECTORIES) || is_in(getenv("PATH"));
}

int fusermount_unmount(const char *path, bool lazy, char text[FUSERMOUNT_TEXT_MAX])
{
	const char *argv[] = {FUSERMOUNT, "-u", lazy ? "-z" : "--", lazy ? "--" : path,
		lazy ? path : NULL, NULL};
	posix_spawn_file_actions_t actions;
	int out[2], status = -1, failed;
	ssize_t n;
	pid_t pid;

	text[0] = '\0';
	if (pipe(out))
		return -1;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, out[1], STDERR_FILENO);
	posix_spawn_file_actions_addclose(&actions, out[0]);
	failed = posix_spawnp(&pid, FUSERMOUNT, &actions, NULL, (char **)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(out[1]);
	if (!failed) {
		n = read(out[0], text, FUSERMOUNT_TEXT_MAX - 1);
		text[n > 0 ? n : 0] = '\0';
		text[strcspn(text, "\n")] = '\0';
		if (waitpid(pid, &status, 0) == pid)
			status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	}
	close(out[0]);
	return status;
}
