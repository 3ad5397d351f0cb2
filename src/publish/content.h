/* SPDX-License-Identifier: MIT */
/*
 * The data of one file of the source as it is read: opened relative to the source's root
 * without following a symlink, its holes left out, and checked at the end that it did not
 * change meanwhile. Files of the kind that /proc has, whose size says nothing, are read to
 * their end. One thread.
 */
#ifndef CAIRN_PUBLISH_CONTENT_H
#define CAIRN_PUBLISH_CONTENT_H

#include <sys/stat.h>

#include "format/extent_list_builder.h"
#include "util/error.h"

/* How often a file that changes while it is read is begun anew. */
#define CONTENT_TRIES 3
/* A file whose size is not known is not read beyond: some never end. */
#define CONTENT_UNSIZED_MAX (UINT64_C(1) << 30)

struct content {
	int fd;
	struct stat st; /* when it was opened */
	/* Told of the runs of a sparse file as they are read; reset, and set by the caller,
	 * before the first byte is read. */
	struct extent_list_builder *runs;
	bool unsized; /* set it after opening: read to the end, whatever st.st_size says */
	bool sparse;  /* it is asked for its holes */
	bool ended;   /* all was read that there should be */
	bool cut;     /* there was no more to be read */
	struct extent run;
	uint64_t offset; /* where reading is: in the run */
};

/* Opens `path` below `root`. ERR_ABSENT when it is gone, ERR_CHANGED when it is not the
 * regular file of that device and inode; ERR_DENIED. On failure nothing is to be closed. */
int content_open(struct content *c, int root, const char *path, dev_t dev, ino_t ino);
void content_close(struct content *c);
/* The next bytes of data, up to `size`; *done is 0 at the end (or where the file was cut
 * off meanwhile). ERR_LIMIT beyond CONTENT_UNSIZED_MAX. Also what storing a list of runs
 * met. */
int content_read(struct content *c, uint8_t *buffer, size_t size, size_t *done);
/* ERR_CHANGED when there is more to be read; what looking for it met. */
int content_at_end(struct content *c);
/* What was read: no extents when the file has no hole; they borrow from c->runs. 0 when
 * that is the whole, of a file that is as it was when it was opened: what its size said, or
 * else what it really has; then that is its size from now on (c->st). ERR_CHANGED. */
int content_finish(struct content *c, struct extents_made *out);
/* Does this empty file have content nonetheless? No error when it cannot be opened; of
 * reading it: as content_read(). */
int content_probe(int root, const char *path, const struct stat *st, bool *unsized);
/* Is `rc` about the file that was read? Else it is about us: memory, descriptors, an
 * interrupt, and no other file will fare better. */
bool content_is_failure(int rc);

#endif
