/* SPDX-License-Identifier: MIT */
/*
 * A walk over a directory tree in key order (format/names.h): the root, then each
 * directory listed whole, names sorted bytewise, before its subdirectories are entered in
 * that same order. Every system call is relative to a directory's descriptor, so depth
 * does not matter; memory is the names of one directory plus the subdirectories still to
 * be entered on the way down. Symlinks are never followed: a directory that is something
 * else by the time it is opened is ERR_CHANGED. One thread.
 */
#ifndef CAIRN_PUBLISH_WALK_H
#define CAIRN_PUBLISH_WALK_H

#include <sys/stat.h>

#include "util/bytes.h"
#include "util/error.h"

struct walk_options {
	int root;		    /* descriptor of the directory */
	const char *source;	    /* its name, for sentences */
	const char *const *exclude; /* fnmatch(3) patterns on path and base name; or NULL */
	bool one_file_system;	    /* list, but do not enter, what is mounted below */
	bool links;		    /* fill walk_entry.links of directories */
	const struct stat *store;   /* ERR_INVALID when met; or NULL */
	const struct stat *closed;  /* a directory to list, but not to enter; or NULL */
};

/* Borrowed for the call. */
struct walk_entry {
	struct span parent; /* path of the directory */
	struct span name;   /* NUL-terminated; "" for the root */
	const char *path;   /* parent and name, NUL-terminated */
	size_t path_size;   /* without the NUL */
	int dirfd;	    /* where `name` is; the root itself for the root */
	struct stat st;
	uint32_t links; /* directories: 2 + subdirectories */
};

typedef int (*walk_fn)(void *ctx, const struct walk_entry *e, struct trouble *t);

/* Calls `each` for every entry until it returns non-zero, which is returned. What vanished
 * before its lstat(2) is no entry. ERR_DENIED, ERR_LIMIT, ERR_CHANGED name the path. */
int walk(const struct walk_options *options, walk_fn each, void *ctx, struct trouble *t);
/* Does a pattern match the path or its last component? `patterns` may be NULL. */
bool walk_excluded(const char *const *patterns, const char *path);

#endif
