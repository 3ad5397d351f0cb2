/* SPDX-License-Identifier: MIT */
/*
 * The data of one file of the source as it is read: opened relative to the source's root
 * without following a symlink, its holes left out, and checked at the end that it did not
 * change meanwhile. One thread.
 */
#ifndef CAIRN_PUBLISH_CONTENT_H
#define CAIRN_PUBLISH_CONTENT_H

#include "publish/extents.h"
#include "util/error.h"

/* How often a file that changes while it is read is begun anew. */
#define CONTENT_TRIES 3

struct content {
	int fd;
	struct stat st; /* when it was opened */
	struct extents extents;
	uint32_t run; /* where reading is: in which run, and at which offset */
	uint64_t offset;
};

/* Opens `path` below `root`. ERR_CHANGED when it is gone or not the regular file of that
 * device and inode; ERR_DENIED. On failure nothing is to be closed. */
int content_open(struct content *c, int root, const char *path, dev_t dev, ino_t ino);
void content_close(struct content *c);
/* The next bytes of data, up to `size`; *done is 0 at the end (or where the file was cut
 * off meanwhile). */
int content_read(struct content *c, uint8_t *buffer, size_t size, size_t *done);
/* ERR_CHANGED unless it is as it was when it was opened. */
int content_check(const struct content *c);
/* Fills `t` for the failure `rc`, with the file's name. Returns `rc`. */
int content_fail(int rc, const char *path, const char *source, struct trouble *t);

#endif
