/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fuse_lowlevel.h>

#include "fs/polling.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/thread.h"

#define RECEIVERS_MAX 10
#define RETRY_FIRST 1 /* ms, when the system has no memory; twice as long each time */
#define RETRY_LAST 200
#define LONG_TIME INT64_C(200000)    /* ns: requests that take so long are shared */
#define SHARED 32		     /* requests, after one that took long */
#define WATCH_PERIOD (2 * NS_PER_MS) /* between two looks of the watch */
#define STUCK NS_PER_MS		     /* with one request for so long */

struct receiver {
	struct loop *loop;
	pthread_t thread;
	struct fuse_buf buffer;
	int64_t began; /* with its request */
};

struct loop {
	struct fuse_session *fuse;
	int wake[2];		/* pipe: the watch has to look */
	int over[2];		/* pipe: a byte that nobody takes out, at the end */
	struct polling polling; /* the leader's, while it has no request */

	pthread_mutex_t loop_mtx; /* all below */
	pthread_cond_t lead_cond; /* there is no leader, or it is the end */
	struct receiver receivers[RECEIVERS_MAX];
	unsigned count; /* of them */
	unsigned idle;	/* of them: waiting for the lead */
	struct receiver *leader;
	int64_t since;	   /* the leader is busy; 0: it is receiving */
	uint64_t received; /* requests */
	unsigned share;	   /* requests to come that are to be shared */
	bool watched;
	bool ended;
	int error;
};

static void *receiver_run(void *arg);

/* With the lock. */
static int start_receiver(struct loop *l)
{
	struct receiver *r;
	int rc;

	if (l->count == RECEIVERS_MAX)
		return ERR_LIMIT;
	r = &l->receivers[l->count];
	r->loop = l;
	rc = thread_start(&r->thread, "fuse", receiver_run, r);
	if (!rc)
		l->count++;
	return rc;
}

/* With the lock. When there is nobody to take it, the lead stays where it is. */
static void pass_lead(struct loop *l)
{
	if (l->ended || (!l->idle && start_receiver(l)))
		return;
	l->leader = NULL;
	l->since = 0;
	pthread_cond_signal(&l->lead_cond);
}

/* Of this thread, since it began. */
static long preemptions(void)
{
#ifdef RUSAGE_THREAD
	struct rusage usage;

	if (getrusage(RUSAGE_THREAD, &usage) == 0)
		return usage.ru_nivcsw;
#endif
	return 0;
}

/* False at the end. */
static bool take_lead(struct receiver *r)
{
	struct loop *l = r->loop;
	bool ended;

	pthread_mutex_lock(&l->loop_mtx);
	l->idle++;
	while (!l->ended && l->leader)
		pthread_cond_wait(&l->lead_cond, &l->loop_mtx);
	l->idle--;
	ended = l->ended;
	if (!ended)
		l->leader = r;
	pthread_mutex_unlock(&l->loop_mtx);
	if (!ended)
		l->polling = (struct polling){.preemptions = preemptions()};
	return !ended;
}

static void loop_wake(const int pipe_ends[2])
{
	/* When it is full, there is enough in it. */
	while (write(pipe_ends[1], "", 1) < 0 && errno == EINTR)
		;
}

static void loop_end(struct loop *l, int error)
{
	pthread_mutex_lock(&l->loop_mtx);
	l->ended = true;
	if (!l->error)
		l->error = error;
	pthread_cond_broadcast(&l->lead_cond);
	pthread_mutex_unlock(&l->loop_mtx);
	loop_wake(l->over);
}

/* The leader's request has come. */
static void receiver_begin(struct receiver *r)
{
	struct loop *l = r->loop;
	bool unwatched;

	r->began = clock_monotonic();
	polling_received(&l->polling, r->began);
	pthread_mutex_lock(&l->loop_mtx);
	l->received++;
	l->since = r->began;
	unwatched = !l->watched;
	l->watched = true;
	if (l->share) {
		l->share--;
		pass_lead(l);
	}
	pthread_mutex_unlock(&l->loop_mtx);
	if (unwatched)
		loop_wake(l->wake);
}

/* Returns whether it still has the lead. */
static bool receiver_finish(struct receiver *r)
{
	struct loop *l = r->loop;
	int64_t now = clock_monotonic();
	bool leads, count, ended;

	pthread_mutex_lock(&l->loop_mtx);
	if (now - r->began >= LONG_TIME)
		l->share = SHARED;
	leads = l->leader == r;
	if (leads)
		l->since = 0;
	count = l->received % POLLING_COUNT == 0;
	ended = l->ended;
	pthread_mutex_unlock(&l->loop_mtx);
	if (leads && count)
		polling_preempted(&l->polling, now, preemptions());
	if (leads)
		polling_done(&l->polling, now);
	return leads && !ended;
}

/* False at the end. */
static bool sleep_for_request(const struct loop *l)
{
	struct pollfd fds[] = {
		{.fd = fuse_session_fd(l->fuse), .events = POLLIN},
		{.fd = l->over[0], .events = POLLIN},
	};

	poll(fds, 2, -1);
	return fds[1].revents == 0;
}

/* The connection has been broken off, or is none. All else is the system's need, of memory
 * in the first place: the request lies in the kernel until it can be taken. */
static bool is_end_of_device(int error)
{
	switch (error) {
	case ENODEV:
	case ECONNABORTED:
	case EBADF:
	case EINVAL:
	case EPERM:
	case EFAULT:
	case EIO: /* libfuse says it of half a request */
		return true;
	default:
		return false;
	}
}

/* Out of memory, or so. False at the end. */
static bool sleep_in_need(const struct loop *l, int *delay)
{
	struct pollfd over = {.fd = l->over[0], .events = POLLIN};

	poll(&over, 1, *delay);
	*delay = *delay < RETRY_LAST / 2 ? 2 * *delay : RETRY_LAST;
	return over.revents == 0;
}

/* False at the end. The device does not block: libfuse passes that on. */
static bool receive_request(struct receiver *r)
{
	struct loop *l = r->loop;
	int delay = RETRY_FIRST;

	for (;;) {
		int size = fuse_session_receive_buf(l->fuse, &r->buffer);
		bool ended = false;

		if (size > 0)
			return true;
		if (size == 0 || is_end_of_device(-size)) {
			loop_end(l, size ? ERR_IO : 0);
			return false;
		}
		if (size != -EAGAIN && size != -EINTR)
			ended = !sleep_in_need(l, &delay);
		else if (!polling_again(&l->polling, clock_monotonic()))
			ended = !sleep_for_request(l);
		if (ended)
			return false;
	}
}

static void *receiver_run(void *arg)
{
	struct receiver *r = arg;

	while (take_lead(r)) {
		do {
			if (!receive_request(r))
				return NULL;
			receiver_begin(r);
			fuse_session_process_buf(r->loop->fuse, &r->buffer);
		} while (receiver_finish(r));
	}
	return NULL;
}

/* Returns whether to look again soon. */
static bool look(struct loop *l, uint64_t *seen)
{
	bool active;

	pthread_mutex_lock(&l->loop_mtx);
	if (l->since && clock_monotonic() - l->since >= STUCK)
		pass_lead(l);
	active = l->since || l->received != *seen;
	*seen = l->received;
	l->watched = active;
	pthread_mutex_unlock(&l->loop_mtx);
	return active;
}

/* Until the end; signals come only while it sleeps. */
static void watch(struct loop *l, const sigset_t *signals)
{
	static const struct timespec period = {.tv_nsec = WATCH_PERIOD};
	struct pollfd fds[] = {
		{.fd = l->wake[0], .events = POLLIN},
		{.fd = l->over[0], .events = POLLIN},
	};
	uint64_t seen = 0;
	bool active = true;
	char byte[16];

	while (!fuse_session_exited(l->fuse)) {
		if (ppoll(fds, 2, active ? &period : NULL, signals) > 0) {
			if (fds[1].revents)
				return;
			while (read(l->wake[0], byte, sizeof byte) > 0)
				;
		}
		active = look(l, &seen);
	}
}

static int open_pipe(int ends[2])
{
	if (pipe(ends)) {
		ends[0] = ends[1] = -1;
		return ERR_IO;
	}
	for (int i = 0; i < 2; i++) {
		fcntl(ends[i], F_SETFD, FD_CLOEXEC);
		fcntl(ends[i], F_SETFL, O_NONBLOCK);
	}
	return 0;
}

static int loop_prepare(struct loop *l)
{
	int fd = fuse_session_fd(l->fuse);
	int rc = open_pipe(l->wake);

	if (!rc)
		rc = open_pipe(l->over);
	if (!rc && fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK))
		rc = ERR_IO;
	return rc;
}

static void loop_release(struct loop *l)
{
	for (unsigned i = 0; i < RECEIVERS_MAX; i++)
		free(l->receivers[i].buffer.mem);
	for (int i = 0; i < 2; i++) {
		if (l->wake[i] >= 0)
			close(l->wake[i]);
		if (l->over[i] >= 0)
			close(l->over[i]);
	}
	pthread_cond_destroy(&l->lead_cond);
	pthread_mutex_destroy(&l->loop_mtx);
	free(l);
}

/* Receivers are started with all signals blocked. */
static int loop_serve(struct loop *l)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_mutex_lock(&l->loop_mtx);
	rc = start_receiver(l);
	pthread_mutex_unlock(&l->loop_mtx);
	if (!rc)
		watch(l, &before);
	loop_end(l, rc);
	/* Nobody starts another one: those who could are joined one after another, and at
	 * the end the lead is not passed on. */
	for (unsigned i = 0; i < l->count; i++)
		pthread_join(l->receivers[i].thread, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return l->error;
}

int loop_run(struct fuse_session *fuse)
{
	struct loop *l = calloc(1, sizeof *l);
	int rc;

	if (!l)
		return ERR_NO_MEMORY;
	l->fuse = fuse;
	l->wake[0] = l->wake[1] = l->over[0] = l->over[1] = -1;
	pthread_mutex_init(&l->loop_mtx, NULL);
	pthread_cond_init(&l->lead_cond, NULL);
	rc = loop_prepare(l);
	if (!rc)
		rc = loop_serve(l);
	loop_release(l);
	return rc;
}
