/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "publish/spool.h"
#include "util/error.h"
#include "util/io.h"

#define CAPACITY_MIN 4096

void spool_init(struct spool *s, const char *directory, uint64_t limit)
{
	*s = (struct spool){.directory = directory, .limit = limit, .fd = -1};
}

void spool_release(struct spool *s)
{
	free(s->memory);
	if (s->fd >= 0)
		close(s->fd);
	spool_init(s, s->directory, s->limit);
}

static int spool_make_file(const char *directory)
{
	char *path;
	int fd, saved;

	if (asprintf(&path, "%s/cairn-XXXXXX", directory) < 0)
		return ERR_NO_MEMORY;
	fd = mkstemp(path);
	saved = errno;
	if (fd >= 0) {
		unlink(path);
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	}
	free(path);
	return fd >= 0 ? fd : error_from_errno(saved);
}

/* What was in memory goes to the file. */
static int spool_spill(struct spool *s)
{
	int fd = spool_make_file(s->directory);
	int rc = fd < 0 ? fd : io_pwrite_full(fd, s->memory, (size_t)s->size, 0);

	if (rc) {
		if (fd >= 0)
			close(fd);
		return rc;
	}
	free(s->memory);
	s->memory = NULL;
	s->capacity = 0;
	s->fd = fd;
	return 0;
}

static int spool_reserve(struct spool *s, uint64_t size)
{
	uint64_t capacity = s->capacity ? s->capacity : CAPACITY_MIN;
	uint8_t *memory;

	while (capacity < size)
		capacity *= 2;
	if (capacity == s->capacity)
		return 0;
	memory = realloc(s->memory, (size_t)capacity);
	if (!memory)
		return ERR_NO_MEMORY;
	s->memory = memory;
	s->capacity = capacity;
	return 0;
}

int spool_grow(struct spool *s, uint64_t size)
{
	int rc = 0;

	assert(size >= s->size);
	if (s->fd < 0 && size > s->limit)
		rc = spool_spill(s);
	if (rc)
		return rc;
	if (s->fd >= 0) {
		if (ftruncate(s->fd, (off_t)size) != 0)
			return error_from_errno(errno);
	} else {
		rc = spool_reserve(s, size);
		if (rc)
			return rc;
		memset(s->memory + s->size, 0, (size_t)(size - s->size));
	}
	s->size = size;
	return 0;
}

int spool_read(const struct spool *s, uint64_t at, void *buffer, size_t size)
{
	assert(at <= s->size && size <= s->size - at);
	if (s->fd >= 0)
		return io_pread_full(s->fd, buffer, size, at);
	if (size > 0)
		memcpy(buffer, s->memory + at, size);
	return 0;
}

int spool_write(struct spool *s, uint64_t at, const void *data, size_t size)
{
	assert(at <= s->size && size <= s->size - at);
	if (s->fd >= 0)
		return io_pwrite_full(s->fd, data, size, at);
	if (size > 0)
		memcpy(s->memory + at, data, size);
	return 0;
}

int spool_append(struct spool *s, const void *data, size_t size)
{
	uint64_t at = s->size;
	int rc;

	if (s->fd < 0 && size > s->limit - (at < s->limit ? at : s->limit)) {
		rc = spool_spill(s);
		if (rc)
			return rc;
	}
	if (s->fd < 0) {
		rc = spool_grow(s, at + size);
		return rc ? rc : spool_write(s, at, data, size);
	}
	rc = io_pwrite_full(s->fd, data, size, at); /* which makes the file longer */
	if (!rc)
		s->size = at + size;
	return rc;
}
