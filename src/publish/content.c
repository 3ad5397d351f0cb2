/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/sysmacros.h>
#endif

#include "publish/attributes.h"
#include "publish/content.h"
#include "util/io.h"

static int check_opened(struct content *c, dev_t dev, ino_t ino)
{
	if (fstat(c->fd, &c->st) != 0)
		return error_from_errno(errno);
	if (!S_ISREG(c->st.st_mode) || c->st.st_dev != dev || c->st.st_ino != ino)
		return ERR_CHANGED;
	return extents_read(c->fd, &c->st, &c->extents);
}

/* O_NONBLOCK: should it be a fifo by now, do not wait for a writer. */
int content_open(struct content *c, int root, const char *path, dev_t dev, ino_t ino)
{
	int rc;

	*c = (struct content){0};
	c->fd = openat(
		root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (c->fd < 0 && (errno == ELOOP || errno == ENXIO))
		return ERR_CHANGED; /* a symlink or a socket by now */
	if (c->fd < 0)
		return errno == ESTALE ? ERR_ABSENT : error_from_errno(errno);
	rc = check_opened(c, dev, ino);
	if (rc)
		content_close(c);
	return rc;
}

void content_close(struct content *c)
{
	extents_release(&c->extents);
	close(c->fd);
	c->fd = -1;
}

/* Where reading goes on, and how far this run reaches. */
static uint64_t run_left(struct content *c)
{
	const struct extent *run;

	if (c->unsized)
		return CONTENT_UNSIZED_MAX - c->offset;
	if (!c->extents.sparse)
		return (uint64_t)c->st.st_size - c->offset;
	if (c->run == c->extents.count)
		return 0;
	run = &c->extents.items[c->run];
	if (c->offset < run->offset)
		c->offset = run->offset;
	return run->offset + run->size - c->offset;
}

int content_read(struct content *c, uint8_t *buffer, size_t size, size_t *done)
{
	size_t total = 0;

	while (total < size) {
		uint64_t left = run_left(c);
		size_t step = left < size - total ? (size_t)left : size - total, got = 0;
		int rc = step ? io_pread_some(c->fd, buffer + total, step, c->offset, &got)
			      : 0;

		if (rc)
			return rc;
		total += got;
		c->offset += got;
		if (got == 0)
			break;
		if (got == left && c->extents.sparse)
			c->run++;
	}
	if (c->unsized && c->offset == CONTENT_UNSIZED_MAX)
		return ERR_LIMIT;
	*done = total;
	return 0;
}

int content_end(struct content *c, uint64_t got)
{
	if (!c->unsized && got == c->extents.data_size)
		return 0;
	if (c->extents.sparse || (!c->unsized && got > c->extents.data_size) ||
		content_check(c))
		return ERR_CHANGED;
	c->unsized = true;
	c->st.st_size = (off_t)got;
	c->extents.data_size = got;
	return 0;
}

int content_check(const struct content *c)
{
	struct stat now;

	if (fstat(c->fd, &now) != 0)
		return error_from_errno(errno);
	return attributes_unchanged(&c->st, &now) ? 0 : ERR_CHANGED;
}

/* The pseudo file systems, and others without a device, have such files. */
static bool may_be_unsized(const struct stat *st)
{
#ifdef __linux__
	return st->st_size == 0 && st->st_blocks == 0 && major(st->st_dev) == 0;
#else
	(void)st;
	return false;
#endif
}

int content_probe(int root, const char *path, const struct stat *st, bool *unsized)
{
	struct content c;
	uint8_t byte;
	size_t done;
	int rc;

	*unsized = false;
	if (!may_be_unsized(st) || content_open(&c, root, path, st->st_dev, st->st_ino))
		return 0;
	rc = io_pread_some(c.fd, &byte, sizeof byte, 0, &done);
	content_close(&c);
	if (!rc)
		*unsized = done > 0;
	return rc;
}

bool content_is_failure(int rc)
{
	return rc != ERR_NO_MEMORY && rc != ERR_NO_FILES && rc != ERR_NO_THREADS &&
	       rc != ERR_INTERRUPTED;
}
