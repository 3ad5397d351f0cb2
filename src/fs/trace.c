/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/trace.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/error.h"

void trace_init(struct trace *t)
{
	atomic_init(&t->heard, false);
	pthread_mutex_init(&t->trace_mtx, NULL);
	t->listeners = NULL;
}

void trace_release(struct trace *t)
{
	pthread_mutex_destroy(&t->trace_mtx);
}

static struct trace_event *event_new(const struct trace_event *read, struct span path)
{
	struct trace_event *e = malloc(sizeof *e + path.size);

	if (!e)
		return NULL;
	*e = *read;
	e->next = NULL;
	e->path_size = (uint32_t)path.size;
	memcpy(e->path, path.data, path.size);
	return e;
}

/* With the lock. */
static void listener_add(
	struct trace_listener *l, const struct trace_event *read, struct span path)
{
	struct trace_event *e = l->count < TRACE_EVENTS_MAX ? event_new(read, path) : NULL;

	if (!e) {
		l->lost++;
		return;
	}
	*l->last = e;
	l->last = &e->next;
	/* When it is full, there is enough in it. */
	if (l->count++ == 0)
		(void)!write(l->wake[1], "", 1);
}

void trace_note(struct trace *t, const struct trace_event *read, struct span path)
{
	pthread_mutex_lock(&t->trace_mtx);
	for (struct trace_listener *l = t->listeners; l; l = l->next)
		listener_add(l, read, path);
	pthread_mutex_unlock(&t->trace_mtx);
}

int trace_join(struct trace *t, struct trace_listener *l)
{
	if (pipe2(l->wake, O_CLOEXEC | O_NONBLOCK))
		return ERR_IO;
	l->last = &l->first;
	pthread_mutex_lock(&t->trace_mtx);
	l->next = t->listeners;
	t->listeners = l;
	atomic_store(&t->heard, true);
	pthread_mutex_unlock(&t->trace_mtx);
	return 0;
}

void trace_leave(struct trace *t, struct trace_listener *l)
{
	struct trace_listener **at = &t->listeners;
	struct trace_event *e, *next;

	pthread_mutex_lock(&t->trace_mtx);
	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	atomic_store(&t->heard, t->listeners != NULL);
	pthread_mutex_unlock(&t->trace_mtx);
	for (e = l->first; e; e = next) {
		next = e->next;
		free(e);
	}
	close(l->wake[0]);
	close(l->wake[1]);
}

int trace_fd(const struct trace_listener *l)
{
	return l->wake[0];
}

struct trace_event *trace_take(struct trace *t, struct trace_listener *l, uint64_t *lost)
{
	struct trace_event *all;
	char byte;

	pthread_mutex_lock(&t->trace_mtx);
	(void)!read(l->wake[0], &byte, 1);
	all = l->first;
	*l->last = NULL;
	l->first = NULL;
	l->last = &l->first;
	l->count = 0;
	*lost = l->lost;
	l->lost = 0;
	pthread_mutex_unlock(&t->trace_mtx);
	return all;
}
