/* SPDX-License-Identifier: MIT */
/*
 * A walk over a directory tree in key order (format/names.h): the root, then each
 * directory listed whole, names sorted bytewise, before its subdirectories are entered in
 * that same order. Every system call is relative to a directory's descriptor, so depth
 * does not matter; memory is the names of one directory plus the subdirectories still to
 * be entered on the way down. Symlinks are never followed.
 *
 * The tree may be in use meanwhile. A name that is gone when it is looked at is no entry. A
 * directory that was an entry and is gone when it is entered stays an empty one; another
 * that is in its place by then is entered if it has the same owner and mode. One thread.
 */
#ifndef CAIRN_PUBLISH_WALK_H
#define CAIRN_PUBLISH_WALK_H

#include <sys/stat.h>

#include "publish/ignore.h"
#include "util/bytes.h"
#include "util/error.h"

struct walk_options {
	int root;		     /* descriptor of the directory */
	const char *source;	     /* its name, for sentences */
	const struct ignore *ignore; /* what is left out; or NULL */
	bool one_file_system;	     /* list, but do not enter, what is mounted below */
	bool links;		     /* fill walk_entry.links of directories */
	const struct stat *store;    /* ERR_INVALID when met; or NULL */
	const struct stat *closed;   /* a directory to list, but not to enter; or NULL */
	/* Called for a name that cannot be looked at or listed, with the code and maybe (or
	 * NULL) more words than that: 0 to go on without it, or what walk() is to return.
	 * ERR_ABSENT: a directory that vanished after it was an entry. NULL: the first such
	 * name ends the walk. */
	int (*leave_out)(void *ctx, const char *path, int rc, const char *why);
};

/* Borrowed for the call. */
struct walk_entry {
	struct span parent; /* path of the directory */
	struct span name;   /* NUL-terminated; "" for the root */
	const char *path;   /* parent and name, NUL-terminated */
	size_t path_size;   /* without the NUL */
	int dirfd;	    /* where `name` is; the root itself for the root */
	struct stat st;
	bool hidden;	/* a mount point that may not be looked at: `st` is made up */
	uint32_t links; /* directories: 2 + subdirectories */
};

typedef int (*walk_fn)(void *ctx, const struct walk_entry *e, struct trouble *t);

/* What `each` returns for an entry that it did not take: it is not entered. */
#define WALK_NOT_TAKEN 1
/* Calls `each` for every entry until it returns anything else but 0, which is returned, as
 * is what cannot be read of the root. ERR_DENIED, ERR_LIMIT, ERR_CHANGED name the path. */
int walk(const struct walk_options *options, walk_fn each, void *ctx, struct trouble *t);

#endif
