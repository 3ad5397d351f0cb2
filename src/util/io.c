/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/error.h"
#include "util/io.h"

#define IO_SIZE_MAX ((size_t)1 << 30) /* one call: some systems refuse 2 GiB */
#define READ_STEP_MIN 4096
#define TEMPORARY_TRIES 16

/* The code of the call that failed just now: never 0. */
static int io_error(void)
{
	int rc = error_from_errno(errno);

	assert(rc < 0);
	return rc;
}

static size_t step_of(size_t left)
{
	return left < IO_SIZE_MAX ? left : IO_SIZE_MAX;
}

/* False when offset + size is beyond what off_t can say. */
static bool range_fits(uint64_t offset, size_t size)
{
	uint64_t end;

	return !__builtin_add_overflow(offset, size, &end) && end <= INT64_MAX;
}

int io_pread_some(int fd, void *buffer, size_t size, uint64_t offset, size_t *done)
{
	size_t total = 0;

	if (!range_fits(offset, size))
		return ERR_LIMIT;
	while (total < size) {
		ssize_t n = pread(fd, (uint8_t *)buffer + total, step_of(size - total),
			(off_t)(offset + total));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return io_error();
		if (n == 0)
			break;
		total += (size_t)n;
	}
	*done = total;
	return 0;
}

int io_pread_full(int fd, void *buffer, size_t size, uint64_t offset)
{
	size_t done;
	int rc = io_pread_some(fd, buffer, size, offset, &done);

	if (rc)
		return rc;
	return done == size ? 0 : ERR_CORRUPT;
}

int io_pwrite_full(int fd, const void *data, size_t size, uint64_t offset)
{
	size_t total = 0;

	if (!range_fits(offset, size))
		return ERR_LIMIT;
	while (total < size) {
		ssize_t n = pwrite(fd, (const uint8_t *)data + total, step_of(size - total),
			(off_t)(offset + total));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return io_error();
		total += (size_t)n;
	}
	return 0;
}

int io_write_full(int fd, const void *data, size_t size)
{
	size_t total = 0;

	while (total < size) {
		ssize_t n = write(fd, (const uint8_t *)data + total, step_of(size - total));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return io_error();
		total += (size_t)n;
	}
	return 0;
}

/* Space for the next read: what the file is said to hold and one byte to see its end, or
 * twice as much as so far for pipes and files of /proc. */
static int reserve_step(int fd, struct bytes *out, size_t got, size_t max)
{
	size_t step = got > READ_STEP_MIN ? got : READ_STEP_MIN;
	struct stat st;

	if (got == 0 && fstat(fd, &st) == 0 && st.st_size > 0 &&
		(uint64_t)st.st_size <= max)
		step = (size_t)st.st_size + 1;
	if (step > max - got)
		step = max - got < SIZE_MAX ? max - got + 1 : SIZE_MAX;
	return bytes_reserve(out, step);
}

static int read_to_end(int fd, size_t max, struct bytes *out)
{
	size_t start = out->size;

	for (;;) {
		ssize_t n;

		if (out->size - start > max)
			return ERR_LIMIT;
		if (out->size == out->capacity || out->size == start) {
			int rc = reserve_step(fd, out, out->size - start, max);

			if (rc)
				return rc;
		}
		n = read(fd, out->data + out->size, step_of(out->capacity - out->size));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return io_error();
		if (n == 0)
			return 0;
		out->size += (size_t)n;
	}
}

/* As it was on an error. */
static int read_and_close(int fd, size_t max, struct bytes *out)
{
	size_t start = out->size;
	int rc = read_to_end(fd, max, out);

	close(fd);
	if (rc)
		out->size = start;
	return rc;
}

int io_read_file(int dirfd, const char *path, size_t max, struct bytes *out)
{
	int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	return fd < 0 ? io_error() : read_and_close(fd, max, out);
}

int io_read_regular_file(int dirfd, const char *path, size_t max, struct bytes *out)
{
	int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	if (fd < 0) /* a socket, or a device without a driver */
		return errno == ENXIO || errno == ENODEV ? ERR_INVALID : io_error();
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return ERR_INVALID;
	}
	return read_and_close(fd, max, out);
}

/* Creates a file of a name that nobody else has, in the directory of `path`. */
static int open_temporary(int dirfd, const char *path, mode_t mode, char **name, int *fd)
{
	const char *slash = strrchr(path, '/');
	int parent = slash ? (int)(slash + 1 - path) : 0;

	for (int i = 0; i < TEMPORARY_TRIES; i++) {
		uint64_t random;

		if (getentropy(&random, sizeof random))
			return ERR_IO;
		if (asprintf(name, "%.*s.%ld-%016llx.tmp", parent, path, (long)getpid(),
			    (unsigned long long)random) < 0)
			return ERR_NO_MEMORY;
		*fd = openat(dirfd, *name,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY,
			mode);
		if (*fd >= 0)
			return 0;
		free(*name);
		if (errno != EEXIST)
			return io_error();
	}
	return ERR_EXISTS;
}

/* Makes a rename last. Some file systems cannot fsync a directory and need not. */
static int sync_parent(int dirfd, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *parent = slash ? strndup(path, (size_t)(slash + 1 - path)) : strdup(".");
	int fd, rc = 0;

	if (!parent)
		return ERR_NO_MEMORY;
	fd = openat(dirfd, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(parent);
	if (fd < 0)
		return io_error();
	if (fsync(fd) && errno != EINVAL && errno != ENOTSUP)
		rc = io_error();
	close(fd);
	return rc;
}

static int io_fill(int fd, struct span data, int durable)
{
	int rc = io_write_full(fd, data.data, data.size);

	if (!rc && durable && fsync(fd))
		rc = io_error();
	/* Where a quota is checked late (NFS), only close() tells. */
	if (close(fd) && !rc && errno != EINTR)
		rc = io_error();
	return rc;
}

int io_replace_file(int dirfd, const char *path, struct span data, mode_t mode, int durable)
{
	struct stat st;
	char *name;
	int fd, rc;

	/* A device, or a link to one, would be lost for everybody. */
	if (!fstatat(dirfd, path, &st, 0) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return ERR_INVALID;
	rc = open_temporary(dirfd, path, mode, &name, &fd);
	if (rc)
		return rc;
	rc = io_fill(fd, data, durable);
	if (!rc && renameat(dirfd, name, dirfd, path))
		rc = io_error();
	if (rc)
		unlinkat(dirfd, name, 0);
	free(name);
	if (!rc && durable)
		rc = sync_parent(dirfd, path);
	return rc;
}

/* One step of mkdir -p. */
static int io_make_directory(const char *path, mode_t mode)
{
	struct stat st;
	int errnum;

	if (mkdir(path, mode) == 0)
		return 0;
	errnum = errno;
	/* EROFS and the like may come before EEXIST: what counts is that it is there. */
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	errno = errnum == EEXIST ? ENOTDIR : errnum;
	return errnum == EEXIST ? ERR_EXISTS : error_from_errno(errnum);
}

int io_make_directories(const char *path, mode_t mode)
{
	char *copy = strdup(path);
	int rc = 0, errnum;

	if (!copy)
		return ERR_NO_MEMORY;
	for (char *at = copy + 1; copy[0] && !rc && *at; at++) {
		if (*at != '/' || at[-1] == '/')
			continue;
		*at = '\0';
		/* What holds others must let their maker in. */
		rc = io_make_directory(copy, mode | S_IWUSR | S_IXUSR);
		*at = '/';
	}
	if (!rc)
		rc = io_make_directory(copy, mode);
	errnum = errno;
	free(copy);
	errno = errnum;
	return rc;
}

void io_empty_directory(int dirfd, const char *path)
{
	int copy = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;

	if (!dir) {
		if (copy >= 0)
			close(copy);
		return;
	}
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			unlinkat(copy, entry->d_name, 0);
	closedir(dir);
}
