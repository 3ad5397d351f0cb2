/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "control/control.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/control_line.h"
#include "util/clock.h"
#include "util/printable.h"
#include "util/thread.h"

/* At a time; more wait. */
#define ASKERS_MAX 32
#define ASKER_WAIT (60 * NS_PER_SECOND) /* for a command */

struct asker {
	struct control *control;
	pthread_t thread;
	bool used, done; /* asker_mtx, as the next */
	bool streams;	 /* it may be waiting for the other end to take something */
	int fd;
};

struct control {
	const struct control_command *commands;
	void *ctx;
	char *path;
	int fd;
	pthread_t thread;
	pthread_mutex_t asker_mtx; /* used, done and fd of askers, and over */
	pthread_cond_t asker_cond; /* one is done */
	struct asker askers[ASKERS_MAX];
	bool over;
	struct stat bound; /* the socket's file */
};

static const struct control_command *find_command(const struct control *c, const json_t *o)
{
	const char *name = json_string_value(json_object_get(o, "command"));

	for (const struct control_command *k = c->commands; name && k->name; k++)
		if (!strcmp(k->name, name))
			return k;
	return NULL;
}

/* Paths, and what was cut off, need not be UTF-8. */
static void set_error(json_t *reply, struct trouble *t)
{
	printable_clean(t->text);
	json_object_clear(reply);
	json_object_set_new(reply, "error", json_string(t->text));
	json_object_set_new(reply, "code", json_integer(t->code));
}

struct control_stream {
	struct asker *asker;
};

int control_stream_send(struct control_stream *s, const json_t *line)
{
	return line ? control_send(s->asker->fd, line) : ERR_NO_MEMORY;
}

int control_stream_fd(const struct control_stream *s)
{
	return s->asker->fd;
}

/* False: it is over. */
static bool set_streams(struct asker *a, bool streams)
{
	struct control *c = a->control;
	bool over;

	pthread_mutex_lock(&c->asker_mtx);
	a->streams = streams;
	over = c->over;
	pthread_mutex_unlock(&c->asker_mtx);
	return !over;
}

static int control_run_stream(struct asker *a, const struct control_command *k,
	const json_t *request, json_t *reply, struct trouble *t)
{
	struct control_stream s = {a};
	int rc;

	if (set_streams(a, true))
		rc = k->stream(a->control->ctx, request, &s, t);
	else
		rc = trouble_set(t, ERR_INTERRUPTED, "the mount is ending");
	set_streams(a, false);
	json_object_set_new(reply, "end", json_true());
	return rc;
}

static int control_answer(struct asker *a, const json_t *request)
{
	const struct control_command *k = find_command(a->control, request);
	json_t *reply = json_object();
	struct trouble t = {0};
	int rc;

	if (!k)
		rc = trouble_set(&t, ERR_UNSUPPORTED, "this mount knows no such command");
	else if (k->stream)
		rc = control_run_stream(a, k, request, reply, &t);
	else
		rc = k->run(a->control->ctx, reply, &t);
	if (rc)
		set_error(reply, &t);
	rc = reply ? control_send(a->fd, reply) : ERR_NO_MEMORY;
	json_decref(reply);
	return rc;
}

/* Others cannot even reach it; this is for who has the descriptor of the directory. */
static bool is_permitted(int fd)
{
	struct ucred who;
	socklen_t size = sizeof who;

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 &&
	       (who.uid == 0 || who.uid == geteuid());
}

static void control_talk(struct asker *a)
{
	json_t *hello = json_object(), *request;
	struct bytes rest = {0};

	json_object_set_new(hello, "cairn", json_string(PACKAGE_VERSION));
	json_object_set_new(hello, "pid", json_integer(getpid()));
	if (hello && is_permitted(a->fd) && !control_send(a->fd, hello)) {
		while (!control_receive(
			a->fd, clock_monotonic() + ASKER_WAIT, &rest, &request)) {
			int rc = control_answer(a, request);

			json_decref(request);
			if (rc)
				break;
		}
	}
	bytes_release(&rest);
	json_decref(hello);
}

static void *asker_run(void *arg)
{
	struct asker *a = arg;
	struct control *c = a->control;

	control_talk(a);
	pthread_mutex_lock(&c->asker_mtx);
	a->done = true;
	close(a->fd);
	pthread_cond_signal(&c->asker_cond);
	pthread_mutex_unlock(&c->asker_mtx);
	return NULL;
}

/* Waits until there is one; NULL at the end. With the lock. */
static struct asker *free_asker(struct control *c)
{
	while (!c->over) {
		for (int i = 0; i < ASKERS_MAX; i++) {
			struct asker *a = &c->askers[i];

			if (a->used && !a->done)
				continue;
			if (a->used)
				pthread_join(a->thread, NULL);
			*a = (struct asker){.control = c};
			return a;
		}
		pthread_cond_wait(&c->asker_cond, &c->asker_mtx);
	}
	return NULL;
}

static bool control_take(struct control *c, int fd)
{
	struct asker *a;

	pthread_mutex_lock(&c->asker_mtx);
	a = free_asker(c);
	if (a) {
		a->fd = fd;
		a->used = !thread_start(&a->thread, "cairn-asker", asker_run, a);
	}
	if (!a || !a->used)
		close(fd);
	pthread_mutex_unlock(&c->asker_mtx);
	return a != NULL;
}

static void *control_run(void *arg)
{
	struct control *c = arg;

	for (;;) {
		int fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0 && (errno == EINVAL || errno == EBADF))
			return NULL; /* shut down */
		if (fd < 0)
			usleep(NS_PER_SECOND / 10000); /* out of descriptors, or so */
		else if (!control_take(c, fd))
			return NULL;
	}
}

static int control_listen(struct control *c, struct trouble *t)
{
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return trouble_errno(t, "there is no socket to be asked by");
	unlink(c->path);
	if (control_at(c->fd, c->path, bind) || lstat(c->path, &c->bound) ||
		chmod(c->path, 0600) || listen(c->fd, ASKERS_MAX))
		return trouble_errno(t, "%s cannot be listened at", c->path);
	return 0;
}

/* Another mount may be on this one's place by now. */
static void control_unlink(const struct control *c)
{
	struct stat st;

	if (!lstat(c->path, &st) && st.st_dev == c->bound.st_dev &&
		st.st_ino == c->bound.st_ino)
		unlink(c->path);
}

static void control_release(struct control *c)
{
	if (c->fd >= 0)
		close(c->fd);
	pthread_cond_destroy(&c->asker_cond);
	pthread_mutex_destroy(&c->asker_mtx);
	free(c->path);
	free(c);
}

int control_new(const char *path, const struct control_command *commands, void *ctx,
	struct control **out, struct trouble *t)
{
	struct control *c = calloc(1, sizeof *c);
	int rc;

	if (!c)
		return trouble_set(t, ERR_NO_MEMORY, "out of memory");
	*c = (struct control){.commands = commands, .ctx = ctx, .fd = -1};
	pthread_mutex_init(&c->asker_mtx, NULL);
	pthread_cond_init(&c->asker_cond, NULL);
	c->path = strdup(path);
	rc = c->path ? control_listen(c, t)
		     : trouble_set(t, ERR_NO_MEMORY, "out of memory");
	if (!rc) {
		rc = thread_start(&c->thread, "cairn-control", control_run, c);
		if (rc)
			trouble_set(
				t, rc, "no thread could be started: %s", error_text(rc));
	}
	if (rc)
		control_release(c);
	else
		*out = c;
	return rc;
}

void control_free(struct control *c)
{
	if (!c)
		return;
	control_unlink(c);
	shutdown(c->fd, SHUT_RDWR);
	pthread_mutex_lock(&c->asker_mtx);
	c->over = true;
	pthread_cond_signal(&c->asker_cond);
	pthread_mutex_unlock(&c->asker_mtx);
	pthread_join(c->thread, NULL);
	pthread_mutex_lock(&c->asker_mtx);
	/* Whoever waits for a reply still gets it. */
	for (int i = 0; i < ASKERS_MAX; i++)
		if (c->askers[i].used && !c->askers[i].done)
			shutdown(c->askers[i].fd,
				c->askers[i].streams ? SHUT_RDWR : SHUT_RD);
	pthread_mutex_unlock(&c->asker_mtx);
	for (int i = 0; i < ASKERS_MAX; i++)
		if (c->askers[i].used)
			pthread_join(c->askers[i].thread, NULL);
	control_release(c);
}
