/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/meta/structure_stamp.h"
#include "util/checksum.h"
#include "util/clock.h"
#include "util/io.h"

/* As stored, in the byte order of the machine. */
struct structure_stamp {
	uint64_t boot;
	int64_t checked;    /* when, seconds */
	uint64_t ino, size; /* of data.mdb, as it was left; 0, 0: it is in use */
	int64_t changed;    /* its time of change, ns */
	uint64_t sum;	    /* of all above */
};

static int stamp_open(const char *path, const char *name, int flags)
{
	char *whole;
	int fd;

	if (asprintf(&whole, "%s/%s", path, name) < 0)
		return -1;
	/* A FIFO would wait for who writes, or reads. */
	fd = open(whole, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	free(whole);
	return fd;
}

static uint64_t sum_of_stamp(const struct structure_stamp *s)
{
	return checksum_of(s, offsetof(struct structure_stamp, sum));
}

/* One that was made in this boot, and is not too old. */
static bool stamp_read(
	const char *path, uint64_t boot, int64_t now, struct structure_stamp *out)
{
	int fd = stamp_open(path, "checked", O_RDONLY);
	bool good = fd >= 0 && !io_pread_full(fd, out, sizeof *out, 0) &&
		    out->sum == sum_of_stamp(out) && out->boot == boot &&
		    out->checked <= now && now - out->checked < STRUCTURE_STAMP_TERM;

	if (fd >= 0)
		close(fd);
	return good;
}

static void stamp_write(const char *path, struct structure_stamp *s)
{
	int fd = stamp_open(path, "checked", O_WRONLY | O_CREAT);

	if (fd < 0)
		return;
	s->sum = sum_of_stamp(s);
	/* One that was written in part has a wrong sum. */
	(void)io_pwrite_full(fd, s, sizeof *s, 0);
	close(fd);
}

static int64_t change_time(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * NS_PER_SECOND + st->st_mtim.tv_nsec;
}

static bool look_at_data(int fd, struct structure_stamp *s)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return false;
	s->ino = (uint64_t)st.st_ino;
	s->size = (uint64_t)st.st_size;
	s->changed = change_time(&st);
	return true;
}

bool structure_stamp_holds(const char *path, uint64_t boot, int64_t now)
{
	struct structure_stamp s, found;
	int fd;
	bool holds;

	if (!stamp_read(path, boot, now, &s))
		return false;
	fd = stamp_open(path, "data.mdb", O_RDONLY);
	holds = look_at_data(fd, &found) && s.ino == found.ino && s.size == found.size &&
		s.changed == found.changed;
	if (fd >= 0)
		close(fd);
	return holds;
}

void structure_stamp_begin(const char *path, uint64_t boot, int64_t now)
{
	struct structure_stamp s = {.boot = boot, .checked = now};

	stamp_write(path, &s);
}

/* This second, and a part of it that the clock of the next writer will not say. */
static bool choose_time(int fd, int64_t now, int64_t *chosen)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = (time_t)now}};
	uint32_t random;

	if (getentropy(&random, sizeof random))
		return false;
	times[1].tv_nsec = (long)(random % NS_PER_SECOND);
	*chosen = (int64_t)times[1].tv_sec * NS_PER_SECOND + times[1].tv_nsec;
	return futimens(fd, times) == 0;
}

/* A file system whose times are not fine enough does not keep the one that was chosen. */
void structure_stamp_end(const char *path, uint64_t boot, int64_t now)
{
	struct structure_stamp s;
	int64_t chosen;
	int fd;

	if (!stamp_read(path, boot, now, &s))
		return;
	fd = stamp_open(path, "data.mdb", O_RDWR);
	if (fd < 0)
		return;
	if (choose_time(fd, now, &chosen) && look_at_data(fd, &s) && s.changed == chosen)
		stamp_write(path, &s);
	close(fd);
}
