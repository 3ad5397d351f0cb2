/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/error.h"
#include "util/lock_file.h"

#define ASK_EVERY (10 * NS_PER_MS)

static int lock_file_wait(int fd, int64_t deadline)
{
	const struct timespec pause = {.tv_nsec = (long)ASK_EVERY};

	while (flock(fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return error_from_errno(errno);
		if (clock_monotonic() >= deadline)
			return ERR_TIMEOUT;
		nanosleep(&pause, NULL);
	}
	return 0;
}

int lock_file_take(const char *path, int64_t deadline, int *fd)
{
	int opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc, saved;

	if (opened < 0)
		return error_from_errno(errno);
	rc = lock_file_wait(opened, deadline);
	if (rc) {
		saved = errno;
		close(opened);
		errno = saved;
		return rc;
	}
	*fd = opened;
	return 0;
}
