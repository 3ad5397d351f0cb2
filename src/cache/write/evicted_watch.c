/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "cache/write/evicted_watch.h"
#include "cache/write/revalidation.h"
#include "util/thread.h"

#define COALESCE_MS 20 /* many are thrown out one after another */

struct evicted_watch {
	struct write_context *x;
	pthread_t thread;
	int events;  /* of inotify(7) */
	int stop[2]; /* a pipe: its end closes to stop */
};

/* False: it is to stop. */
static bool await_event(struct evicted_watch *w, int timeout_ms, bool *heard)
{
	struct pollfd fds[] = {{.fd = w->stop[0]}, {.fd = w->events, .events = POLLIN}};
	char buffer[4096];

	if (poll(fds, *heard ? 1 : 2, timeout_ms) < 0)
		return errno == EINTR;
	if (fds[0].revents)
		return false;
	if (!*heard && fds[1].revents & (POLLERR | POLLHUP | POLLNVAL))
		return false;
	if (!*heard && fds[1].revents & POLLIN) {
		while (read(w->events, buffer, sizeof buffer) > 0)
			*heard = true;
	}
	return true;
}

static void let_go(struct write_context *x)
{
	MDB_txn *txn;

	if (metadata_read(x->metadata, &txn))
		return;
	(void)revalidation_run(x, txn, false);
	metadata_read_end(x->metadata, txn);
}

static void *evicted_watch_thread(void *arg)
{
	struct evicted_watch *w = arg;
	bool heard = false;

	while (await_event(w, -1, &heard)) {
		if (!heard)
			continue;
		let_go(w->x);
		/* Deaf for a moment; what comes meanwhile is heard after it. */
		if (!await_event(w, COALESCE_MS, &heard))
			break;
		heard = false;
	}
	return NULL;
}

struct evicted_watch *evicted_watch_new(struct write_context *x)
{
	struct evicted_watch *w = calloc(1, sizeof *w);

	if (!w)
		return NULL;
	w->x = x;
	w->events = directory_watch_evicted(x->directory);
	if (w->events < 0)
		goto no_events;
	if (pipe2(w->stop, O_CLOEXEC))
		goto no_pipe;
	if (thread_start(&w->thread, "cairn-evicted", evicted_watch_thread, w) == 0)
		return w;
	close(w->stop[0]);
	close(w->stop[1]);
no_pipe:
	close(w->events);
no_events:
	free(w);
	return NULL;
}

void evicted_watch_free(struct evicted_watch *w)
{
	if (!w)
		return;
	close(w->stop[1]);
	pthread_join(w->thread, NULL);
	close(w->stop[0]);
	close(w->events);
	free(w);
}
