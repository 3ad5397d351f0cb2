/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/mount_follow.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/mounts.h"
#include "dataset/refresh.h"
#include "util/clock.h"
#include "util/thread.h"

struct mount_follow {
	const struct mount_request *request;
	struct reader *reader;
	struct session *session;
	bool follows; /* constant */
	pthread_t thread;
	struct trouble said; /* last; code 0: all has been well since */

	pthread_mutex_t looked_mtx; /* all below */
	pthread_cond_t looked_cond; /* `looked` has grown, or it is over */
	uint64_t asked, looked;	    /* looks */
	uint64_t revision;	    /* that is shown; only the thread changes it */
	int64_t created, shown;	    /* of it: follow_state's */
	int64_t heard;		    /* seconds since 1970: a look was well; 0: none was */
	struct trouble trouble;	    /* of the last look */
	bool over;
};

#ifdef HAVE_SEM_CLOCKWAIT
#define FOLLOW_CLOCK CLOCK_MONOTONIC
#else
#define FOLLOW_CLOCK CLOCK_REALTIME
#endif

/* For the handler: one mount in a process. */
static sem_t follow_look;

static void on_hangup(int signal)
{
	int error = errno;

	(void)signal;
	sem_post(&follow_look);
	errno = error;
}

/* What cannot be reached is told in other words each time. */
static bool is_same_cause(const struct trouble *a, const struct trouble *b)
{
	return a->code == b->code &&
	       (a->code == ERR_UNREACHABLE || a->code == ERR_TIMEOUT ||
		       !strcmp(a->text, b->text));
}

static void say_failure(struct mount_follow *f, const struct trouble *t)
{
	if (!is_same_cause(t, &f->said) && t->code != ERR_INTERRUPTED)
		log_warning(f->reader->log, "staying with revision %llu: %s",
			(unsigned long long)f->revision, t->text);
	f->said = *t;
}

static void set_revision(struct mount_follow *f, const struct manifest *m)
{
	struct trouble t = {0};

	pthread_mutex_lock(&f->looked_mtx);
	f->revision = m->revision;
	f->created = m->created;
	f->shown = clock_realtime() / NS_PER_SECOND;
	pthread_mutex_unlock(&f->looked_mtx);
	/* Other tools read the old one, if need be. */
	if (mounts_renew(f->request->session.mountpoint, &f->request->reader, f->reader,
		    m->revision, &t))
		log_warning(f->reader->log, "%s", t.text);
}

static int show(struct mount_follow *f, const struct manifest *next, struct trouble *t)
{
	struct update_told told;
	int64_t begun = clock_monotonic();
	int rc = session_update(f->session, next, &told, t);

	if (!told.shown)
		return rc;
	log_notice(f->reader->log,
		"revision %llu after %llu: %llu changes, %llu of them known to the kernel, "
		"in %lld ms",
		(unsigned long long)next->revision, (unsigned long long)f->revision,
		(unsigned long long)told.changes,
		(unsigned long long)(told.names + told.directories),
		(long long)((clock_monotonic() - begun) / NS_PER_MS));
	set_revision(f, next);
	return rc;
}

static int follow_once(struct mount_follow *f, struct trouble *t)
{
	struct manifest *next = NULL;
	int rc = session_finish_update(f->session, t);

	if (!rc)
		rc = dataset_refresh(f->reader->dataset, &f->request->reader.dataset,
			f->revision, &next, t);

	if (next)
		rc = show(f, next, t);
	manifest_free(next);
	if (!rc)
		*t = (struct trouble){0};
	return rc;
}

/* False: it is over. */
static bool look_begin(struct mount_follow *f, uint64_t *asked)
{
	bool over;

	pthread_mutex_lock(&f->looked_mtx);
	*asked = f->asked;
	over = f->over;
	pthread_mutex_unlock(&f->looked_mtx);
	return !over;
}

static void look_end(struct mount_follow *f, uint64_t asked, const struct trouble *t)
{
	pthread_mutex_lock(&f->looked_mtx);
	f->looked = asked;
	if (!t->code)
		f->heard = clock_realtime() / NS_PER_SECOND;
	f->trouble = *t;
	pthread_cond_broadcast(&f->looked_cond);
	pthread_mutex_unlock(&f->looked_mtx);
}

/* By a clock that nobody sets, where libc can wait by one. */
static int wait_until(const struct timespec *until)
{
#ifdef HAVE_SEM_CLOCKWAIT
	return sem_clockwait(&follow_look, FOLLOW_CLOCK, until);
#else
	return sem_timedwait(&follow_look, until);
#endif
}

static void follow_wait(const struct mount_follow *f)
{
	struct timespec until;

	if (!f->request->follow) {
		while (sem_wait(&follow_look) && errno == EINTR)
			continue;
		return;
	}
	clock_gettime(FOLLOW_CLOCK, &until);
	until.tv_sec += f->request->follow;
	while (wait_until(&until) && errno == EINTR)
		continue;
}

static void *follow_main(void *arg)
{
	struct mount_follow *f = arg;
	uint64_t asked;

	while (follow_wait(f), look_begin(f, &asked)) {
		struct trouble t = {0};

		if (follow_once(f, &t))
			say_failure(f, &t);
		else
			f->said.code = 0;
		look_end(f, asked, &t);
	}
	return NULL;
}

int mount_follow_start(const struct mount_request *m, struct reader *r,
	struct session *session, struct mount_follow **out)
{
	struct sigaction action = {.sa_handler = on_hangup, .sa_flags = SA_RESTART};
	struct mount_follow *f = calloc(1, sizeof *f);
	const struct dataset *d = r->dataset;
	int64_t now = clock_realtime() / NS_PER_SECOND;
	int rc = 0;

	if (!f)
		return ERR_NO_MEMORY;
	*f = (struct mount_follow){.request = m,
		.reader = r,
		.session = session,
		.follows = !m->reader.dataset.revision && !m->reader.dataset.offline,
		.revision = d->manifest->revision,
		.created = d->manifest->created,
		.shown = now,
		.heard = d->from_cache || d->is_outdated ? 0 : now};
	sem_init(&follow_look, 0, 0);
	pthread_mutex_init(&f->looked_mtx, NULL);
	pthread_cond_init(&f->looked_cond, NULL);
	if (f->follows)
		rc = thread_start(&f->thread, "cairn-follow", follow_main, f);
	if (rc) {
		mount_follow_free(f);
		return rc;
	}
	sigaction(SIGHUP, &action, NULL);
	*out = f;
	return 0;
}

void mount_follow_stop(struct mount_follow *f)
{
	if (!f)
		return;
	pthread_mutex_lock(&f->looked_mtx);
	f->over = true;
	pthread_cond_broadcast(&f->looked_cond);
	pthread_mutex_unlock(&f->looked_mtx);
	if (!f->follows)
		return;
	dataset_end_waits(f->reader->dataset);
	sem_post(&follow_look);
	pthread_join(f->thread, NULL);
}

void mount_follow_state(struct mount_follow *f, struct follow_state *out)
{
	pthread_mutex_lock(&f->looked_mtx);
	*out = (struct follow_state){
		.follows = f->follows,
		.every = f->follows ? f->request->follow : 0,
		.revision = f->revision,
		.created = f->created,
		.shown = f->shown,
		.looked = f->heard,
		.trouble = f->trouble,
	};
	pthread_mutex_unlock(&f->looked_mtx);
}

void mount_follow_free(struct mount_follow *f)
{
	if (!f)
		return;
	pthread_cond_destroy(&f->looked_cond);
	pthread_mutex_destroy(&f->looked_mtx);
	free(f);
}

/* One that began before may have missed what is asked for. With the lock. */
static int look_await(struct mount_follow *f, uint64_t *revision, struct trouble *t)
{
	uint64_t mine = ++f->asked;

	sem_post(&follow_look);
	while (f->looked < mine && !f->over)
		pthread_cond_wait(&f->looked_cond, &f->looked_mtx);
	if (f->looked < mine || f->trouble.code == ERR_INTERRUPTED)
		return trouble_set(t, ERR_INTERRUPTED, "the mount is ending");
	*revision = f->revision;
	*t = f->trouble;
	return t->code;
}

int mount_follow_look(
	struct mount_follow *f, uint64_t *before, uint64_t *revision, struct trouble *t)
{
	int rc;

	if (!f->follows)
		return trouble_set(t, ERR_INVALID, "it stays with revision %llu, %s",
			(unsigned long long)f->revision,
			f->request->reader.dataset.offline ? "for it asks no server"
							   : "which was asked for");
	pthread_mutex_lock(&f->looked_mtx);
	*before = f->revision;
	rc = look_await(f, revision, t);
	pthread_mutex_unlock(&f->looked_mtx);
	return rc;
}
