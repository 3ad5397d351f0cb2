/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "format/names.h"
#include "publish/chunker.h"
#include "publish/dir_names.h"
#include "publish/recheck.h"

static int recheck_errno(void)
{
	return errno == ELOOP || errno == ESTALE ? ERR_ABSENT : error_from_errno(errno);
}

/* A descriptor for the directory that holds it. */
static int open_parent(int root, const struct item *old)
{
	char parent[PATH_SIZE_MAX + 1];
	int fd;

	memcpy(parent, old->path, old->entry.parent.size);
	parent[old->entry.parent.size] = '\0';
	fd = dir_names_open_beneath(root, parent);
	return fd < 0 ? recheck_errno() : fd;
}

/* A small file that changed may be at rest by now; a large one was read several times. */
static bool is_worth_reading(const struct item *old, const struct stat *now)
{
	if (S_ISDIR(now->st_mode) || old->tries >= RECHECK_TRIES)
		return false;
	return old->follows || old->st.st_dev != now->st_dev ||
	       old->st.st_ino != now->st_ino || old->st.st_size < LARGE_FILE_MIN;
}

static int recheck_at(
	int dirfd, const struct item *old, const struct overrides *o, struct item **out)
{
	struct walk_entry e = {.parent = old->entry.parent,
		.name = old->entry.name,
		.path = old->path,
		.path_size = old->path_size,
		.dirfd = dirfd};
	struct item *item;
	int rc;

	if (fstatat(dirfd, (const char *)e.name.data, &e.st, AT_SYMLINK_NOFOLLOW) != 0)
		return recheck_errno();
	if (!is_worth_reading(old, &e.st))
		return ERR_CHANGED;
	item = item_new(e.parent, e.name, e.path, e.path_size);
	if (!item)
		return ERR_NO_MEMORY;
	item->st = e.st;
	item->tries = old->tries + 1;
	item->entry.links = 1;
	rc = item_read_attributes(item, &e, o);
	if (rc)
		item_free(item);
	else
		*out = item;
	return rc;
}

int recheck_item(
	int root, const struct item *old, const struct overrides *o, struct item **out)
{
	int dirfd = open_parent(root, old), rc;

	if (dirfd < 0)
		return dirfd;
	rc = recheck_at(dirfd, old, o, out);
	close(dirfd);
	return rc;
}
