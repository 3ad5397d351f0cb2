/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "publish/attributes.h"
#include "publish/stored_blob.h"
#include "publish/unsynced.h"
#include "util/io.h"

#define UNSYNCED_NAME ".unsynced"
#define UNSYNCED_TEXT_MAX 64

int unsynced_read(int store, int64_t *since)
{
	struct bytes text = {0};
	int64_t value = 0;
	char end = 0;
	int rc = io_read_regular_file(store, UNSYNCED_NAME, UNSYNCED_TEXT_MAX, &text);

	if (rc == ERR_ABSENT || rc == ERR_NO_MEMORY)
		goto out;
	if (!rc)
		rc = bytes_append(&text, "", 1);
	/* Whatever else is there in its place tells of a publisher, but not of when. */
	if (rc ||
		sscanf((const char *)text.data, "since %" SCNd64 "%c", &value, &end) != 2 ||
		end != '\n' || value < 0)
		value = 0;
	*since = value;
	rc = 0;
out:
	bytes_release(&text);
	return rc;
}

/* What the file system of the blobs takes for now; a server's clock may be another. */
static int blobs_clock(int store, unsigned serial, int64_t *now)
{
	char path[64];
	struct stat st;
	int fd, rc = 0;

	snprintf(path, sizeof path, "blobs/.%ld-%u.tmp", (long)getpid(), serial);
	fd = openat(store, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		STORE_FILE_MODE);
	if (fd < 0)
		return error_from_errno(errno);
	if (fstat(fd, &st) != 0)
		rc = error_from_errno(errno);
	else
		*now = attributes_mtime(&st);
	close(fd);
	unlinkat(store, path, 0);
	return rc;
}

int unsynced_make(int store, unsigned serial, int64_t *since)
{
	char text[UNSYNCED_TEXT_MAX];
	int64_t now = 0, old;
	int size, rc = blobs_clock(store, serial, &now);

	if (rc)
		return rc;
	if (!unsynced_read(store, &old) && old < now)
		now = old;
	size = snprintf(text, sizeof text, "since %" PRId64 "\n", now);
	rc = io_replace_file(
		store, UNSYNCED_NAME, span_of(text, (size_t)size), STORE_FILE_MODE, 1);
	if (!rc)
		*since = now;
	return rc;
}

int unsynced_remove(int store)
{
	if (unlinkat(store, UNSYNCED_NAME, 0) == 0 || errno == ENOENT)
		return 0;
	return error_from_errno(errno);
}
