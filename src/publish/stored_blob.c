/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/blob_frame.h"
#include "publish/attributes.h"
#include "publish/stored_blob.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/io.h"

#define TEMPORARY_SIZE 64

/* The first bytes of a blob's file. */
struct blob_start {
	uint8_t bytes[STORE_HEAD_SIZE];
	size_t size;
};

/* Follows the blocks to the file's end: those that begin beyond `start` cost a read of
 * three bytes each. */
static int walk_blocks(
	int fd, uint64_t size, const struct blob_start *start, struct blob_frame *f)
{
	uint8_t header[BLOCK_HEADER_SIZE];
	int rc = 0;

	while (!rc && !f->ended) {
		if (f->at + BLOCK_HEADER_SIZE > size)
			return ERR_CORRUPT;
		if (f->at + BLOCK_HEADER_SIZE <= start->size)
			memcpy(header, start->bytes + f->at, sizeof header);
		else
			rc = io_pread_full(fd, header, sizeof header, f->at);
		if (!rc)
			rc = blob_frame_next(f, header);
	}
	return !rc && f->at != size ? ERR_CORRUPT : rc;
}

static int read_head(int fd, struct stored *out)
{
	struct blob_start start = {.size = 0};
	struct blob_head head;
	struct blob_frame f;
	struct stat st;
	int rc = fstat(fd, &st) ? error_from_errno(errno) : 0;

	if (!rc && !S_ISREG(st.st_mode))
		rc = ERR_CORRUPT;
	if (!rc)
		rc = io_pread_some(fd, start.bytes, sizeof start.bytes, 0, &start.size);
	if (rc)
		return rc;
	if (st.st_size > BLOB_SIZE_MAX || blob_frame_begin(span_of(start.bytes, start.size),
						  PAGE_SIZE_MAX, &head, &f))
		return ERR_CORRUPT;
	rc = walk_blocks(fd, (uint64_t)st.st_size, &start, &f);
	if (rc)
		return rc;
	*out = (struct stored){.size = (uint64_t)st.st_size,
		.content = head.size,
		.mtime = attributes_mtime(&st),
		.has_base = head.has_base,
		.base = head.base};
	return 0;
}

int stored_blob_find(int store, const struct digest *name, struct stored *out)
{
	char path[BLOB_PATH_SIZE];
	int fd, rc;

	blob_path(name, path);
	fd = openat(store, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return error_from_errno(errno);
	rc = read_head(fd, out);
	close(fd);
	return rc;
}

/* The clock may be set back while blobs are written: none may look older than the mark that
 * tells of them. */
static int date_blob(int fd, int64_t since)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
		{since / NS_PER_SECOND, (long)(since % NS_PER_SECOND)}};
	struct stat st;

	if (fstat(fd, &st) != 0)
		return error_from_errno(errno);
	if (attributes_mtime(&st) >= since || futimens(fd, times) == 0)
		return 0;
	return error_from_errno(errno);
}

/* Without syncfs() each blob is made durable by itself. */
static int write_temporary(int store, const char *path, struct span stored, int64_t since)
{
	int fd = openat(store, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		STORE_FILE_MODE);
	int rc;

	if (fd < 0)
		return error_from_errno(errno);
	rc = io_write_full(fd, stored.data, stored.size);
	if (!rc)
		rc = date_blob(fd, since);
#ifndef HAVE_SYNCFS
	if (!rc && fsync(fd) != 0)
		rc = error_from_errno(errno);
#endif
	if (close(fd) != 0 && !rc)
		rc = error_from_errno(errno);
	return rc;
}

static int rename_blob(int store, const char *from, const char *to)
{
	char directory[] = "blobs/xx";

	if (renameat(store, from, store, to) == 0)
		return 0;
	if (errno != ENOENT)
		return error_from_errno(errno);
	memcpy(directory, to, sizeof directory - 1);
	if (mkdirat(store, directory, STORE_DIRECTORY_MODE) != 0 && errno != EEXIST)
		return error_from_errno(errno);
	return renameat(store, from, store, to) == 0 ? 0 : error_from_errno(errno);
}

int stored_blob_write(int store, const struct digest *name, struct span stored,
	unsigned serial, int64_t since)
{
	char path[BLOB_PATH_SIZE], temporary[TEMPORARY_SIZE];
	int rc;

	blob_path(name, path);
	snprintf(temporary, sizeof temporary, "blobs/.%ld-%u.tmp", (long)getpid(), serial);
	rc = write_temporary(store, temporary, stored, since);
	if (!rc)
		rc = rename_blob(store, temporary, path);
	if (rc)
		unlinkat(store, temporary, 0);
	return rc;
}
