/* SPDX-License-Identifier: MIT */
/*
 * The names in a directory, relative to a descriptor: one after the other, or all of them
 * sorted. Used by the walk and the store. Blocking; one thread per directory.
 */
#ifndef CAIRN_PUBLISH_DIR_NAMES_H
#define CAIRN_PUBLISH_DIR_NAMES_H

#include <dirent.h>

#include "util/bytes.h"

/* The directory `path` below `dirfd`, opened with `flags` besides the usual; for
 * closedir(3). NULL and errno. */
DIR *dir_names_open(int dirfd, const char *path, int flags);
/* The next but "." and "..", borrowed until the next call. NULL: at the end errno is 0,
 * else it says why. */
struct dirent *dir_names_next(DIR *dir);

/* A descriptor for the directory `path` below `dirfd`, that is not reached by any symlink:
 * each component is opened by itself. It is for *at() calls alone where there is O_PATH. -1
 * and errno (ELOOP, ENOTDIR for a symlink). */
int dir_names_open_beneath(int dirfd, const char *path);

struct dir_names {
	struct bytes text;
	const char **names; /* sorted bytewise, each once; they borrow from `text` */
	size_t count;
};
/* The rest of `dir`, into `out` (zero-initialised); to be released also after a failure.
 * On failure errno says why. */
int dir_names_read(DIR *dir, struct dir_names *out);
void dir_names_release(struct dir_names *l);

#endif
