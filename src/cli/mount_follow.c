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

#include "dataset/refresh.h"
#include "util/clock.h"
#include "util/thread.h"

struct mount_follow {
	const struct mount_request *request;
	struct reader *reader;
	struct session *session;
	uint64_t revision; /* that is shown */
	int last_error;	   /* that was said; 0: none since */
	pthread_t thread;
	atomic_bool over;
};

/* For the handler: one mount in a process. */
static sem_t follow_look;

static void on_hangup(int signal)
{
	int error = errno;

	(void)signal;
	sem_post(&follow_look);
	errno = error;
}

static void say_failure(struct mount_follow *f, int error, const struct trouble *t)
{
	if (error != f->last_error && error != ERR_INTERRUPTED)
		log_warning(f->reader->log, "staying with revision %llu: %s",
			(unsigned long long)f->revision, t->text);
	f->last_error = error;
}

static void show(struct mount_follow *f, const struct manifest *next)
{
	struct update_told told;
	struct trouble t = {0};
	int64_t begun = clock_monotonic();
	int rc = session_update(f->session, next, &told, &t);

	if (rc)
		say_failure(f, rc, &t);
	if (!told.shown)
		return;
	log_info(f->reader->log,
		"revision %llu after %llu: %llu changes, %llu of them known to the kernel, "
		"in %lld ms",
		(unsigned long long)next->revision, (unsigned long long)f->revision,
		(unsigned long long)told.changes,
		(unsigned long long)(told.names + told.directories),
		(long long)((clock_monotonic() - begun) / (NS_PER_SECOND / 1000)));
	f->revision = next->revision;
}

static void look(struct mount_follow *f)
{
	struct dataset *d = f->reader->dataset;
	struct manifest *next;
	struct trouble t = {0};
	int rc = dataset_refresh(d, &f->request->reader.dataset, f->revision, &next, &t);

	if (rc)
		say_failure(f, rc, &t);
	else if (!f->last_error || next)
		f->last_error = 0;
	if (next)
		show(f, next);
	manifest_free(next);
}

static void wait_for_look(const struct mount_follow *f)
{
	struct timespec until;

	if (!f->request->follow) {
		while (sem_wait(&follow_look) && errno == EINTR)
			continue;
		return;
	}
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += f->request->follow;
	while (sem_timedwait(&follow_look, &until) && errno == EINTR)
		continue;
}

static void *follow_main(void *arg)
{
	struct mount_follow *f = arg;

	while (wait_for_look(f), !atomic_load(&f->over))
		look(f);
	return NULL;
}

int mount_follow_start(const struct mount_request *m, struct reader *r,
	struct session *session, struct mount_follow **out)
{
	struct sigaction action = {.sa_handler = on_hangup, .sa_flags = SA_RESTART};
	struct mount_follow *f = calloc(1, sizeof *f);

	if (!f)
		return ERR_NO_MEMORY;
	*f = (struct mount_follow){.request = m,
		.reader = r,
		.session = session,
		.revision = r->dataset->manifest->revision};
	sem_init(&follow_look, 0, 0);
	if (thread_start(&f->thread, "cairn-follow", follow_main, f)) {
		free(f);
		return ERR_NO_MEMORY;
	}
	sigaction(SIGHUP, &action, NULL);
	*out = f;
	return 0;
}

void mount_follow_stop(struct mount_follow *f)
{
	if (!f)
		return;
	atomic_store(&f->over, true);
	dataset_end_waits(f->reader->dataset);
	sem_post(&follow_look);
	pthread_join(f->thread, NULL);
	free(f);
}
