/* SPDX-License-Identifier: MIT */
/*
 * within TEST...: runs one test, and passes its exit status on. A test that does not end in
 * CAIRN_TEST_SECONDS (default 1800) has what its processes and threads are at written down,
 * is ended with all that it started, and fails with 124, as with timeout(1): a suite says
 * what hangs instead of hanging itself. Where CAIRN_TEST_TIMES names a file, a line is
 * added to it: seconds of processors, seconds, and the test.
 */
#include <config.h>

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SECONDS_DEFAULT 1800
#define SECONDS_TO_TIDY 60 /* that a script has to unmount and to stop its servers */
#define TIMED_OUT 124
#define PROCESSES_MAX 4096

/* Pairs of a process and its parent, as /proc has them now. */
static struct {
	pid_t pid, parent;
} processes[PROCESSES_MAX];

static unsigned list_processes(void)
{
	DIR *d = opendir("/proc");
	unsigned count = 0;

	for (struct dirent *e; d && count < PROCESSES_MAX && (e = readdir(d));) {
		char path[64], text[512] = "", *end;
		FILE *f;

		snprintf(path, sizeof path, "/proc/%.20s/stat", e->d_name);
		f = atoi(e->d_name) > 0 ? fopen(path, "r") : NULL;
		if (!f)
			continue;
		text[fread(text, 1, sizeof text - 1, f)] = '\0';
		fclose(f);
		end = strrchr(text, ')'); /* behind its name, which may hold anything */
		if (end && sscanf(end, ") %*c %d", &processes[count].parent) == 1)
			processes[count++].pid = atoi(e->d_name);
	}
	if (d)
		closedir(d);
	return count;
}

/* Whether it comes from `ancestor`, of the first `count` processes. */
static bool descends(unsigned count, pid_t pid, pid_t ancestor)
{
	for (unsigned steps = 0; steps < count && pid > 1; steps++) {
		unsigned i = 0;

		while (i < count && processes[i].pid != pid)
			i++;
		if (i == count)
			return false;
		pid = processes[i].parent;
		if (pid == ancestor)
			return true;
	}
	return false;
}

static void show_file(pid_t pid, const char *thread, const char *name)
{
	char path[128], text[256] = "";
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/task/%.20s/%s", pid, thread, name);
	f = fopen(path, "r");
	if (!f)
		return;
	text[fread(text, 1, sizeof text - 1, f)] = '\0';
	fclose(f);
	text[strcspn(text, "\n")] = '\0';
	printf(" %s", text);
}

static void show_threads(pid_t pid)
{
	char path[64], command[128];
	DIR *d;

	snprintf(path, sizeof path, "/proc/%d/task", pid);
	d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d));) {
		if (e->d_name[0] == '.')
			continue;
		printf("within: process %d thread %s:", pid, e->d_name);
		show_file(pid, e->d_name, "comm");
		show_file(pid, e->d_name, "wchan");
		show_file(pid, e->d_name, "syscall");
		printf("\n");
	}
	if (d)
		closedir(d);
	fflush(stdout);
	snprintf(command, sizeof command,
		"gdb -q -batch -p %d -ex '%s' 2>&1 | grep '^[T#]'", pid,
		"thread apply all bt 8");
	if (system(command) != 0)
		printf("within: no stacks of %d without gdb\n", pid);
}

static void show_all(void)
{
	unsigned count = list_processes();

	for (unsigned i = 0; i < count; i++)
		if (descends(count, processes[i].pid, getpid()))
			show_threads(processes[i].pid);
}

/* All that the test started, mounts and servers too, for who loses his parent here becomes
 * a child of this process. */
static void end_all(int signal)
{
	unsigned count = list_processes();

	for (unsigned i = 0; i < count; i++)
		if (descends(count, processes[i].pid, getpid())) {
			kill(processes[i].pid, signal);
			kill(processes[i].pid, SIGCONT);
		}
}

static time_t uptime(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static bool has_ended(pid_t test, int *status)
{
	int of_another;
	pid_t pid;

	while ((pid = waitpid(-1, &of_another, WNOHANG)) > 0)
		if (pid == test) {
			*status = of_another;
			return true;
		}
	return false;
}

/* False when it has not ended by then. */
static bool await(pid_t test, unsigned seconds, int *status)
{
	time_t until = uptime() + seconds;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (;;) {
		time_t left = until - uptime();

		if (has_ended(test, status))
			return true;
		if (left <= 0)
			return false;
		sigtimedwait(&set, NULL, &(struct timespec){.tv_sec = left});
	}
}

static int end_overdue(pid_t test, unsigned seconds)
{
	int status;

	printf("within: not at its end after %u s\n", seconds);
	fflush(stdout);
	show_all();
	end_all(SIGTERM);
	await(test, SECONDS_TO_TIDY, &status);
	end_all(SIGKILL);
	return TIMED_OUT;
}

static void note_times(const char *test, time_t began)
{
	const char *path = getenv("CAIRN_TEST_TIMES");
	FILE *f = path ? fopen(path, "a") : NULL;
	struct rusage u;

	if (!f)
		return;
	getrusage(RUSAGE_CHILDREN, &u);
	fprintf(f, "%5ld %5ld %s\n", (long)(u.ru_utime.tv_sec + u.ru_stime.tv_sec),
		(long)(uptime() - began), test);
	fclose(f);
}

int main(int argc, char **argv)
{
	const char *limit = getenv("CAIRN_TEST_SECONDS");
	unsigned seconds = limit ? (unsigned)atoi(limit) : SECONDS_DEFAULT;
	time_t began = uptime();
	sigset_t set, before;
	pid_t test;
	int status;

	if (argc < 2 || seconds == 0) {
		fprintf(stderr, "use: [CAIRN_TEST_SECONDS=N] within TEST [ARGUMENT...]\n");
		return 2;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, &before);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	test = fork();
	if (test == 0) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		execv(argv[1], argv + 1);
		fprintf(stderr, "within: %s: %s\n", argv[1], strerror(errno));
		_exit(127);
	}
	if (test < 0) {
		perror("within: fork");
		return 127;
	}
	if (!await(test, seconds, &status))
		return end_overdue(test, seconds);
	note_times(argv[1], began);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
