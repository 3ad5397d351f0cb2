/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "publish/stored_blob.h"
#include "util/error.h"
#include "util/io.h"

#define HEAD_SIZE 128 /* enough for a delta's head and a frame's header */
#define TEMPORARY_SIZE 64

static int read_head(int fd, struct stored *out)
{
	uint8_t head[HEAD_SIZE];
	struct blob_head decoded;
	struct stat st;
	size_t done = 0;
	int rc = fstat(fd, &st) ? error_from_errno(errno) : 0;

	if (!rc)
		rc = io_pread_some(fd, head, sizeof head, 0, &done);
	if (rc)
		return rc;
	if (blob_head_decode(span_of(head, done), PAGE_SIZE_MAX, &decoded))
		return ERR_ABSENT;
	*out = (struct stored){(uint64_t)st.st_size, decoded.has_base, decoded.base};
	return 0;
}

int stored_blob_find(int store, const struct digest *name, struct stored *out)
{
	char path[BLOB_PATH_SIZE];
	int fd, rc;

	blob_path(name, path);
	fd = openat(store, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return error_from_errno(errno);
	rc = read_head(fd, out);
	close(fd);
	return rc;
}

/* `base` holds the base's bytes when the blob is a delta. */
static int decode_stored(struct blob_codec *codec, struct span stored,
	const struct blob_head *head, const struct bytes *base, const struct digest *name,
	struct bytes *content)
{
	int rc;

	bytes_clear(content);
	rc = bytes_reserve(content, head->size + 1);
	if (!rc)
		rc = blob_decode(codec, stored, span_of_bytes(base), name, content->data,
			head->size);
	if (!rc)
		content->size = head->size;
	return rc;
}

static int read_stored(
	int store, const struct digest *name, struct bytes *stored, struct blob_head *head)
{
	char path[BLOB_PATH_SIZE];
	int rc;

	blob_path(name, path);
	rc = io_read_file(store, path, BLOB_SIZE_MAX, stored);
	return rc ? rc : blob_head_decode(span_of_bytes(stored), PAGE_SIZE_MAX, head);
}

/* A base is plain, so this ends the recursion. */
static int read_plain(int store, struct blob_codec *codec, const struct digest *name,
	struct bytes *content)
{
	struct bytes stored = {0}, none = {0};
	struct blob_head head;
	int rc = read_stored(store, name, &stored, &head);

	if (!rc && head.has_base)
		rc = ERR_CORRUPT;
	if (!rc)
		rc = decode_stored(
			codec, span_of_bytes(&stored), &head, &none, name, content);
	bytes_release(&stored);
	return rc;
}

int stored_blob_read(int store, struct blob_codec *codec, const struct digest *name,
	struct bytes *content)
{
	struct bytes stored = {0}, base = {0};
	struct blob_head head;
	int rc = read_stored(store, name, &stored, &head);

	if (!rc && head.has_base)
		rc = read_plain(store, codec, &head.base, &base);
	if (!rc)
		rc = decode_stored(
			codec, span_of_bytes(&stored), &head, &base, name, content);
	bytes_release(&stored);
	bytes_release(&base);
	return rc;
}

/* Without syncfs() each blob is made durable by itself. */
static int write_temporary(int store, const char *path, struct span stored)
{
	int fd = openat(store, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		STORE_FILE_MODE);
	int rc;

	if (fd < 0)
		return error_from_errno(errno);
	rc = io_write_full(fd, stored.data, stored.size);
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

int stored_blob_write(
	int store, const struct digest *name, struct span stored, unsigned serial)
{
	char path[BLOB_PATH_SIZE], temporary[TEMPORARY_SIZE];
	int rc;

	blob_path(name, path);
	snprintf(temporary, sizeof temporary, "blobs/.%ld-%u.tmp", (long)getpid(), serial);
	rc = write_temporary(store, temporary, stored);
	if (!rc)
		rc = rename_blob(store, temporary, path);
	if (rc)
		unlinkat(store, temporary, 0);
	return rc;
}
