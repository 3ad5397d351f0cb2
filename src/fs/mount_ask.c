/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/mount_ask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#ifdef HAVE_SYS_XATTR_H
#include <sys/xattr.h>
#endif

#include "util/bounded_call.h"
#include "util/clock.h"
#include "util/error.h"

#define ASK_PATIENCE (5 * NS_PER_SECOND)
#define PID_TEXT 24

/* Left to its thread when that one is given up on. */
struct question {
	void (*ask)(struct question *q);
	char *path;
	/* The answer: */
	int state;
	pid_t pid;
};

/* What stat gives may be the kernel's memory; this asks the process itself. */
static void ask_state(struct question *q)
{
	struct statvfs st;

	q->state = statvfs(q->path, &st) && errno == ENOTCONN ? ERR_ABSENT : 0;
}

static void ask_pid(struct question *q)
{
#ifdef HAVE_SYS_XATTR_H
	char text[PID_TEXT] = "";
	long pid = 0;

	if (getxattr(q->path, MOUNT_XATTR_PID, text, sizeof text - 1) > 0)
		pid = strtol(text, NULL, 10);
	q->pid = pid > 1 ? (pid_t)pid : 0;
#else
	(void)q;
#endif
}

static int question_put(struct bounded_call *b, void *owner)
{
	struct question *q = owner;

	q->ask(q);
	bounded_call_enter(b);
	return 0;
}

static void question_free(struct question *q)
{
	if (q)
		free(q->path);
	free(q);
}

/* 0: *out has the answer. */
static int question_ask(
	void (*ask)(struct question *q), const char *path, struct question *out)
{
	struct question *q = calloc(1, sizeof *q);
	struct bounded_call *b = bounded_call_new("ask", q);
	int rc = ERR_NO_MEMORY;

	if (q) {
		q->ask = ask;
		q->path = strdup(path);
	}
	if (b && q && q->path)
		rc = bounded_call_run(b, clock_monotonic() + ASK_PATIENCE, question_put, q);
	if (!bounded_call_free(b))
		return ERR_TIMEOUT;
	if (!rc)
		*out = *q;
	question_free(q);
	return rc;
}

int mount_ask_state(const char *path)
{
	struct question answer;
	int rc = question_ask(ask_state, path, &answer);

	if (rc)
		return rc == ERR_TIMEOUT ? rc : 0;
	return answer.state;
}

pid_t mount_ask_pid(const char *path)
{
	struct question answer;

	return question_ask(ask_pid, path, &answer) ? 0 : answer.pid;
}
