/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/meta/guard.h"
#include "cache/objects/medium.h"
#include "cache/objects/meta_directory.h"
#include "util/io.h"

#define MARK "meta/" GUARD_MARK

int meta_directory_open(struct directory *d, char **path, struct trouble *t)
{
	int fd = -1;
	int rc = directory_open_below(d, "meta", &fd, t);

	if (rc)
		return rc;
	medium_write_in_place(fd);
	close(fd);
	if (asprintf(path, "%s/meta", d->path) < 0)
		return trouble_set(t, ERR_NO_MEMORY, "out of memory");
	return 0;
}

int meta_directory_hold(struct directory *d, int64_t deadline, struct trouble *t)
{
	int rc = write_lock_take(&d->metadata_lock, deadline);

	return rc ? directory_refuse_locked(d, "meta.lock", rc, t) : 0;
}

void meta_directory_release(struct directory *d)
{
	write_lock_give(&d->metadata_lock);
}

/* In the place of the one before, which may be anything by now. */
static bool move_metadata(struct directory *d, const char *name)
{
	if (unlinkat(d->fd, name, 0)) {
		io_empty_directory(d->fd, name);
		unlinkat(d->fd, name, AT_REMOVEDIR);
	}
	return renameat(d->fd, "meta", d->fd, name) == 0;
}

int meta_directory_set_aside(struct directory *d, struct trouble *t)
{
	/* NFS leaves a file in the first one while somebody has one of its files open. */
	static const char *const names[] = {
		"meta.damaged", "meta.damaged.1", "meta.damaged.2"};

	meta_directory_mark_damaged(d);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (move_metadata(d, names[i]))
			return 0;
	return trouble_errno(t, "cannot move %s/meta aside, to %s", d->path, names[0]);
}

void meta_directory_mark_damaged(struct directory *d)
{
	int fd = openat(d->fd, MARK,
		O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

	if (fd >= 0)
		close(fd);
}

bool meta_directory_is_damaged(struct directory *d)
{
	return faccessat(d->fd, MARK, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* 0; ERR_ABSENT; ERR_CORRUPT: something else than a file. */
static int look_at_part(struct directory *d, const char *name, struct trouble *t)
{
	struct stat st;

	if (fstatat(d->fd, name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT
			       ? ERR_ABSENT
			       : trouble_errno(t, "cannot look at %s/%s", d->path, name);
	if (S_ISLNK(st.st_mode))
		return trouble_set(t, ERR_INVALID,
			"%s/%s is a symbolic link, which is not followed: move it away",
			d->path, name);
	return S_ISREG(st.st_mode) ? 0 : ERR_CORRUPT;
}

int meta_directory_look(struct directory *d, struct trouble *t)
{
	static const char *const parts[] = {
		"meta/data.mdb", "meta/lock.mdb", "meta/write.lock"};
	int found[sizeof parts / sizeof *parts];
	bool odd = false;

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		found[i] = look_at_part(d, parts[i], t);
		if (found[i] && found[i] != ERR_ABSENT && found[i] != ERR_CORRUPT)
			return found[i];
		odd = odd || found[i] == ERR_CORRUPT;
	}
	if (!d->alone && found[0] != found[1])
		odd = true;
	/* Those who have it open see the mark. */
	if (odd && !d->alone)
		meta_directory_mark_damaged(d);
	return odd ? ERR_CORRUPT : 0;
}

bool meta_directory_has(const struct directory *d, int data)
{
	struct stat open_one, st;

	if (fstatat(d->fd, "meta/data.mdb", &st, AT_SYMLINK_NOFOLLOW))
		return errno != ENOENT && errno != ENOTDIR;
	return fstat(data, &open_one) ||
	       (open_one.st_dev == st.st_dev && open_one.st_ino == st.st_ino);
}
