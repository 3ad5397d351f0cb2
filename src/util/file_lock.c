/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/error.h"
#include "util/file_lock.h"
#include "util/stop_gate.h"

#define ASK_FIRST (NS_PER_MS / 10)
#define ASK_MOST (10 * NS_PER_MS)

static int file_lock_error(int errnum)
{
	/* NFS without locks, and whatever else says so in its own way. */
	if (errnum == ENOLCK || errnum == EINVAL || errnum == ENOSYS ||
		errnum == EOPNOTSUPP)
		return ERR_UNSUPPORTED;
	return error_from_errno(errnum);
}

/* ERR_BUSY: somebody else holds it. */
static int ask_for_lock(int fd, enum file_lock how)
{
	int op = how == FILE_LOCK_ALONE ? LOCK_EX : LOCK_SH;
	int rc = 0;

	if (how == FILE_LOCK_ALONE)
		stop_gate_enter();
	if (flock(fd, op | LOCK_NB))
		rc = errno == EWOULDBLOCK || errno == EINTR ? ERR_BUSY
							    : file_lock_error(errno);
	if (rc && how == FILE_LOCK_ALONE)
		stop_gate_leave();
	return rc;
}

int file_lock_take(int fd, enum file_lock how, int64_t deadline)
{
	int64_t pause = ASK_FIRST;
	int rc = ask_for_lock(fd, how);

	while (rc == ERR_BUSY) {
		struct timespec t = {.tv_nsec = (long)pause};

		if (clock_monotonic() >= deadline)
			return ERR_TIMEOUT;
		nanosleep(&t, NULL);
		pause = pause * 2 > ASK_MOST ? ASK_MOST : pause * 2;
		rc = ask_for_lock(fd, how);
	}
	return rc;
}

void file_lock_give(int fd)
{
	flock(fd, LOCK_UN);
	stop_gate_leave();
}

/* flock(2) makes one of the other, and nobody is alone in between. */
int file_lock_share(int fd, int64_t deadline)
{
	int rc = file_lock_take(fd, FILE_LOCK_SHARED, deadline);

	stop_gate_leave();
	return rc;
}

/* proc_pid_stat(5): "123 (name) T ...", and the name may have parentheses in it. */
struct holder {
	long pid; /* 0: not found */
	char name[17];
	char state;
};

static bool holder_look(struct holder *h)
{
	char path[40], line[128], *open, *close;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%ld/stat", h->pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	open = fgets(line, sizeof line, f) ? strchr(line, '(') : NULL;
	fclose(f);
	close = open ? strrchr(open, ')') : NULL;
	if (!close || sscanf(close + 1, " %c", &h->state) != 1)
		return false;
	*close = '\0';
	snprintf(h->name, sizeof h->name, "%s", open + 1);
	return true;
}

/* By a signal, or by a debugger. */
static bool holder_is_stopped(const struct holder *h)
{
	return h->state == 'T' || h->state == 't';
}

/* A line of /proc/locks, proc_locks(5): "1: FLOCK  ADVISORY  WRITE 123 08:01:456 0 EOF".
 * Those who wait have "->" behind the number. That of the device is not stat(2)'s
 * everywhere (btrfs), the inode's is. */
static long holder_in(const char *line, unsigned long long inode)
{
	unsigned long long found;
	long pid;

	if (sscanf(line, "%*d: %*s %*s %*s %ld %*x:%*x:%llu", &pid, &found) != 2)
		return 0;
	return found == inode ? pid : 0;
}

/* Of several, one that is stopped. We ourselves are no news. */
static void holder_find(FILE *locks, unsigned long long inode, struct holder *h)
{
	char line[256];

	while (!holder_is_stopped(h) && fgets(line, sizeof line, locks)) {
		struct holder found = {.pid = holder_in(line, inode)};

		if (found.pid <= 0 || found.pid == (long)getpid() || !holder_look(&found))
			continue;
		if (!h->pid || holder_is_stopped(&found))
			*h = found;
	}
}

static struct holder holder_of(const char *path)
{
	struct holder h = {.pid = 0};
	struct stat st;
	FILE *locks = stat(path, &st) ? NULL : fopen("/proc/locks", "re");

	if (locks) {
		holder_find(locks, (unsigned long long)st.st_ino, &h);
		fclose(locks);
	}
	return h;
}

static bool holder_describe(
	const struct holder *h, bool known, char text[FILE_LOCK_BLAME_SIZE])
{
	if (known)
		snprintf(text, FILE_LOCK_BLAME_SIZE, "process %ld (%s), which is %s",
			h->pid, h->name, holder_is_stopped(h) ? "stopped" : "busy");
	else
		snprintf(text, FILE_LOCK_BLAME_SIZE,
			"another process, which is stopped or slow");
	return known;
}

bool file_lock_blame(const char *path, char text[FILE_LOCK_BLAME_SIZE])
{
	struct holder h = holder_of(path);

	return holder_describe(&h, h.pid != 0, text);
}

bool file_lock_blame_stopped(const char *path, char text[FILE_LOCK_BLAME_SIZE])
{
	struct holder h = holder_of(path);

	return holder_describe(&h, holder_is_stopped(&h), text);
}
