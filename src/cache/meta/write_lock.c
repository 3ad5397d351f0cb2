/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "cache/meta/write_lock.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/file_lock.h"
#include "util/timed_wait.h"

#define TURN_WAIT_MS 1000 /* between two looks at the deadline */

void write_lock_init(struct write_lock *l)
{
	l->fd = -1;
	l->taken = l->locked = false;
	pthread_mutex_init(&l->turn_mtx, NULL);
	timed_wait_init(&l->turn_cond);
}

int write_lock_open(struct write_lock *l, const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc = 0;

	if (fd < 0)
		return errno;
	if (l->fd < 0) {
		l->fd = fd;
		return 0;
	}
	/* In its place, whoever may hold it or ask for it. */
	if (dup3(fd, l->fd, O_CLOEXEC) < 0)
		rc = errno;
	close(fd);
	return rc;
}

void write_lock_release(struct write_lock *l)
{
	if (l->fd >= 0)
		close(l->fd);
	pthread_cond_destroy(&l->turn_cond);
	pthread_mutex_destroy(&l->turn_mtx);
}

static unsigned wait_ms(int64_t left)
{
	int64_t ms = left / NS_PER_MS + 1;

	return ms > TURN_WAIT_MS ? TURN_WAIT_MS : (unsigned)ms;
}

static int take_turn(struct write_lock *l, int64_t deadline)
{
	int rc = 0;

	pthread_mutex_lock(&l->turn_mtx);
	while (l->taken && !rc) {
		int64_t left = deadline - clock_monotonic();

		if (left <= 0)
			rc = ERR_TIMEOUT;
		else
			timed_wait(&l->turn_cond, &l->turn_mtx, wait_ms(left));
	}
	if (!rc)
		l->taken = true;
	pthread_mutex_unlock(&l->turn_mtx);
	return rc;
}

static void give_turn(struct write_lock *l)
{
	pthread_mutex_lock(&l->turn_mtx);
	l->taken = false;
	pthread_cond_signal(&l->turn_cond);
	pthread_mutex_unlock(&l->turn_mtx);
}

int write_lock_take(struct write_lock *l, int64_t deadline)
{
	int rc = take_turn(l, deadline);

	if (rc)
		return rc;
	rc = file_lock_take(l->fd, FILE_LOCK_ALONE, deadline);
	l->locked = !rc;
	if (rc != ERR_TIMEOUT)
		return 0; /* no locks here: LMDB's own is all there is */
	give_turn(l);
	return rc;
}

void write_lock_give(struct write_lock *l)
{
	if (l->locked)
		file_lock_give(l->fd);
	give_turn(l);
}
