/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

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
	if (c->fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
		return ERR_CHANGED;
	if (c->fd < 0)
		return error_from_errno(errno);
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
	*done = total;
	return 0;
}

int content_check(const struct content *c)
{
	struct stat now;

	if (fstat(c->fd, &now) != 0)
		return error_from_errno(errno);
	return attributes_unchanged(&c->st, &now) ? 0 : ERR_CHANGED;
}

int content_fail(int rc, const char *path, const char *source, struct trouble *t)
{
	if (rc == ERR_CHANGED)
		return trouble_set(t, rc,
			"'%s' in %s changes while it is published: publish again when it "
			"is at rest, or leave it out with --exclude",
			path, source);
	return trouble_set(t, rc, "cannot read '%s' in %s: %s%s", path, source,
		error_text(rc),
		rc == ERR_DENIED ? "; publish as a user who may read it, or leave it out "
				   "with --exclude"
				 : "");
}
