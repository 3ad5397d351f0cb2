/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "publish/attributes.h"
#include "publish/dir_names.h"
#include "publish/directory_listing.h"
#include "publish/store.h"

#define FANOUT 256 /* directories of blobs */

struct directory_listing {
	struct store_listing base; /* first */
	int store;
	const char *name;
	char prefix[STORE_PATH_MAX];
	char directory[STORE_PATH_MAX]; /* that is open, with its '/' */
	DIR *dir;			/* or NULL */
	unsigned next;			/* directory of blobs; FANOUT: no more */
	char path[STORE_PATH_MAX + 256];
};

static int fail_list(const struct directory_listing *l, struct trouble *t)
{
	return trouble_errno(t, "cannot list %s in the store %s", l->directory, l->name);
}

/* Opens l->directory: ERR_ABSENT when there is none. */
static int listing_open_directory(struct directory_listing *l, struct trouble *t)
{
	l->dir = dir_names_open(l->store, l->directory, 0);
	if (l->dir)
		return 0;
	return errno == ENOENT ? ERR_ABSENT : fail_list(l, t);
}

/* Could a path that begins with `directory` begin with the prefix? */
static bool listing_may_hold(const struct directory_listing *l, const char *directory)
{
	size_t a = strlen(l->prefix), b = strlen(directory);

	return memcmp(l->prefix, directory, a < b ? a : b) == 0;
}

/* The next directory of blobs that is there. */
static int next_directory(struct directory_listing *l, struct trouble *t)
{
	int rc = ERR_ABSENT;

	while (rc == ERR_ABSENT && l->next < FANOUT) {
		snprintf(l->directory, sizeof l->directory, "blobs/%02x/", l->next++);
		if (listing_may_hold(l, l->directory))
			rc = listing_open_directory(l, t);
	}
	return rc;
}

/* The item that a name is: ERR_ABSENT when it is none of the store's. */
static int listing_look_at(struct directory_listing *l, const char *name,
	struct store_item *out, struct trouble *t)
{
	char tag[TAG_NAME_MAX + 1];
	struct digest d;
	struct stat st;
	uint64_t revision;

	snprintf(l->path, sizeof l->path, "%s%s", l->directory, name);
	if (strncmp(l->path, l->prefix, strlen(l->prefix)) ||
		(!store_path_is_blob(l->path, &d) &&
			!store_path_is_revision(l->path, &revision) &&
			!store_path_is_tag(l->path, tag) &&
			!store_path_is_tombstones(l->path)))
		return ERR_ABSENT;
	if (fstatat(l->store, l->path, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? ERR_ABSENT : fail_list(l, t);
	if (!S_ISREG(st.st_mode))
		return ERR_ABSENT;
	*out = (struct store_item){.path = l->path,
		.size = (uint64_t)st.st_size,
		.mtime = attributes_mtime(&st)};
	return 0;
}

/* The next item of the directory that is open. */
static int next_of_directory(
	struct directory_listing *l, struct store_item *out, struct trouble *t)
{
	const struct dirent *d;
	int rc = ERR_ABSENT;

	while (rc == ERR_ABSENT && (d = dir_names_next(l->dir)))
		rc = listing_look_at(l, d->d_name, out, t);
	if (rc == ERR_ABSENT && errno)
		return fail_list(l, t);
	if (rc == ERR_ABSENT) {
		closedir(l->dir);
		l->dir = NULL;
	}
	return rc;
}

static int directory_listing_next(
	struct store_listing *base, struct store_item *out, struct trouble *t)
{
	struct directory_listing *l = (struct directory_listing *)base;
	int rc = ERR_ABSENT;

	while (rc == ERR_ABSENT) {
		if (!l->dir) {
			rc = next_directory(l, t);
			if (rc)
				return rc;
		}
		rc = next_of_directory(l, out, t);
	}
	return rc;
}

static void directory_listing_close(struct store_listing *base)
{
	struct directory_listing *l = (struct directory_listing *)base;

	if (l->dir)
		closedir(l->dir);
	free(l);
}

int directory_listing_open(int store, const char *name, const char *prefix,
	struct store_listing **out, struct trouble *t)
{
	struct directory_listing *l = calloc(1, sizeof *l);
	const char *slash = strchr(prefix, '/');
	int rc = 0;

	if (!l)
		return ERR_NO_MEMORY;
	*l = (struct directory_listing){
		.base = {.next = directory_listing_next, .close = directory_listing_close},
		.store = store,
		.name = name};
	snprintf(l->prefix, sizeof l->prefix, "%s", prefix);
	if (!slash || strncmp(prefix, "blobs/", 6)) {
		l->next = FANOUT;
		snprintf(l->directory, sizeof l->directory, "%.*s",
			slash ? (int)(slash + 1 - prefix) : 0, prefix);
		rc = listing_open_directory(l, t);
	}
	if (rc && rc != ERR_ABSENT) {
		free(l);
		return rc;
	}
	*out = &l->base;
	return 0;
}
