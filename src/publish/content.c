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
#include "publish/extents.h"
#include "util/io.h"

static int check_opened(struct content *c, dev_t dev, ino_t ino)
{
	if (fstat(c->fd, &c->st) != 0)
		return error_from_errno(errno);
	if (!S_ISREG(c->st.st_mode) || c->st.st_dev != dev || c->st.st_ino != ino)
		return ERR_CHANGED;
	c->sparse = extents_likely(&c->st);
	return 0;
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
	close(c->fd);
	c->fd = -1;
}

/* The first run of a file that is not asked for its holes is all of it. */
static void content_begin_whole(struct content *c)
{
	c->run.size = c->unsized ? CONTENT_UNSIZED_MAX : (uint64_t)c->st.st_size;
	c->ended = c->offset == c->run.size;
}

/* Once the run is read to its end: goes on to the next one, or to the end. */
static int content_advance(struct content *c)
{
	uint64_t end = c->run.offset + c->run.size;
	int rc;

	if (c->ended || c->offset < end)
		return 0;
	if (!c->sparse) {
		content_begin_whole(c);
		return 0;
	}
	rc = extents_next(c->fd, end, (uint64_t)c->st.st_size, &c->run);
	c->ended = rc == ERR_ABSENT;
	if (rc)
		return c->ended ? 0 : rc;
	c->offset = c->run.offset;
	return extent_list_builder_add(c->runs, c->run);
}

int content_read(struct content *c, uint8_t *buffer, size_t size, size_t *done)
{
	size_t total = 0;

	while (total < size && !c->cut) {
		uint64_t left;
		size_t step, got = 0;
		int rc = content_advance(c);

		if (rc)
			return rc;
		if (c->ended)
			break;
		left = c->run.offset + c->run.size - c->offset;
		step = left < size - total ? (size_t)left : size - total;
		rc = io_pread_some(c->fd, buffer + total, step, c->offset, &got);
		if (rc)
			return rc;
		total += got;
		c->offset += got;
		c->cut = got == 0;
	}
	if (c->unsized && c->offset == CONTENT_UNSIZED_MAX)
		return ERR_LIMIT;
	*done = total;
	return 0;
}

static int content_runs(struct content *c, struct extents_made *out)
{
	uint64_t size = (uint64_t)c->st.st_size;
	int rc = 0;

	*out = (struct extents_made){.size = size};
	if (c->sparse)
		rc = extent_list_builder_finish(c->runs, out);
	if (!rc && out->size == size) /* there was no hole */
		*out = (struct extents_made){.size = size};
	return rc;
}

static bool content_is_one_run(const struct content *c)
{
	return !c->sparse || (c->run.offset == 0 && c->run.size == (uint64_t)c->st.st_size);
}

int content_at_end(struct content *c)
{
	int rc = content_advance(c);

	return rc || c->ended || c->cut ? rc : ERR_CHANGED;
}

int content_finish(struct content *c, struct extents_made *out)
{
	struct stat now;
	int rc = content_at_end(c);

	if (rc)
		return rc;
	if (fstat(c->fd, &now) != 0)
		return error_from_errno(errno);
	if (!attributes_unchanged(&c->st, &now))
		return ERR_CHANGED;
	if (c->ended)
		return content_runs(c, out);
	if (!content_is_one_run(c))
		return ERR_CHANGED;
	c->unsized = true;
	c->st.st_size = (off_t)c->offset;
	*out = (struct extents_made){.size = c->offset};
	return 0;
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
