/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/inotify.h>
#endif
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cache/objects/directory.h"
#include "cache/objects/medium.h"
#include "cache/objects/user.h"
#include "util/boot_id.h"
#include "util/checksum.h"
#include "util/file_lock.h"
#include "util/io.h"

#define DIRECTORY_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

static int directory_refuse(struct trouble *t, const struct directory *d, const char *why)
{
	return trouble_set(t, ERR_DENIED, "the cache directory %s %s", d->path, why);
}

/* Nothing in it but what a file system puts into its root. */
static bool is_empty(int fd)
{
	int copy = openat(fd, ".", DIRECTORY_FLAGS);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;
	bool empty = true;

	if (!dir) {
		if (copy >= 0)
			close(copy);
		return false;
	}
	while (empty && (entry = readdir(dir)))
		empty = !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") ||
			!strcmp(entry->d_name, "lost+found");
	closedir(dir);
	return empty;
}

static int check_top(struct directory *d, struct trouble *t)
{
	struct stat st;

	if (fstat(d->fd, &st))
		return trouble_errno(t, "cannot look at the cache directory %s", d->path);
	if (st.st_uid != geteuid())
		return directory_refuse(
			t, d, "belongs to another user: choose another one with --cache");
	/* In this order: somebody else may be making it now. */
	if (!is_empty(d->fd) && faccessat(d->fd, "lock", F_OK, AT_SYMLINK_NOFOLLOW))
		return trouble_set(t, ERR_INVALID,
			"the directory %s is not empty and holds no cache: choose another "
			"one",
			d->path);
	if ((st.st_mode & 077) == 0)
		return 0;
	if (!is_empty(d->fd))
		return directory_refuse(t, d, "is open to others: run chmod 700 on it");
	return fchmod(d->fd, 0700) ? trouble_errno(t, "cannot chmod %s", d->path) : 0;
}

/* What could not be opened: `what` it should be is not always what lies there. */
static int refuse_part(
	const struct directory *d, const char *name, const char *what, struct trouble *t)
{
	switch (errno) {
	case ELOOP:
	case EMLINK: /* a link, on FreeBSD */
	case ENOTDIR:
	case EISDIR:
	case ENXIO:
	case ENODEV:
		return trouble_set(t, error_from_errno(errno),
			"%s/%s is not a %s: move it away", d->path, name, what);
	default:
		return trouble_errno(t, "cannot open %s/%s", d->path, name);
	}
}

int directory_open_below(struct directory *d, const char *name, int *fd, struct trouble *t)
{
	struct stat st;
	int opened;

	if (mkdirat(d->fd, name, 0700) && errno != EEXIST)
		return trouble_errno(t, "cannot make %s/%s", d->path, name);
	opened = openat(d->fd, name, DIRECTORY_FLAGS | O_NOFOLLOW);
	if (opened < 0)
		return refuse_part(d, name, "directory", t);
	if (fstat(opened, &st) || st.st_uid != geteuid() || (st.st_mode & 077)) {
		close(opened);
		return trouble_set(
			t, ERR_DENIED, "%s/%s is not ours alone: remove it", d->path, name);
	}
	*fd = opened;
	return 0;
}

static bool keep_others_out(struct directory *d)
{
	d->keeps_out = !file_lock_take(d->lock_fd, FILE_LOCK_ALONE, 0);
	return d->keeps_out;
}

int directory_refuse_locked(
	struct directory *d, const char *name, int rc, struct trouble *t)
{
	char blame[FILE_LOCK_BLAME_SIZE], *path;

	if (rc != ERR_TIMEOUT)
		return trouble_set(
			t, rc, "cannot lock %s/%s: %s", d->path, name, error_text(rc));
	if (asprintf(&path, "%s/%s", d->path, name) < 0)
		return trouble_set(t, ERR_NO_MEMORY, "out of memory");
	file_lock_blame(path, blame);
	free(path);
	return trouble_set(
		t, rc, "cannot open the cache %s: it is held by %s", d->path, blame);
}

static int join_others(struct directory *d, int64_t deadline, struct trouble *t)
{
	int rc = file_lock_take(d->lock_fd, FILE_LOCK_SHARED, deadline);

	return rc ? directory_refuse_locked(d, "lock", rc, t) : 0;
}

static int directory_take_lock(struct directory *d, int64_t deadline, struct trouble *t)
{
	d->lock_fd = openat(d->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (d->lock_fd < 0)
		return refuse_part(d, "lock", "regular file", t);
	d->alone = keep_others_out(d);
	return d->alone ? 0 : join_others(d, deadline, t);
}

int directory_admit(struct directory *d, int64_t deadline, struct trouble *t)
{
	int rc;

	if (!d->keeps_out)
		return 0;
	d->keeps_out = false;
	rc = file_lock_share(d->lock_fd, deadline);
	return rc ? directory_refuse_locked(d, "lock", rc, t) : 0;
}

static int open_metadata_lock(struct directory *d, struct trouble *t)
{
	char *name;
	int rc;

	if (asprintf(&name, "%s/meta.lock", d->path) < 0)
		return trouble_set(t, ERR_NO_MEMORY, "out of memory");
	rc = write_lock_open(&d->metadata_lock, name);
	free(name);
	errno = rc;
	return rc ? refuse_part(d, "meta.lock", "regular file", t) : 0;
}

static int open_parts(struct directory *d, struct trouble *t)
{
	int rc = open_metadata_lock(d, t);

	if (!rc)
		rc = directory_open_below(d, "objects", &d->objects_fd, t);
	if (!rc)
		d->tells = medium_tells(d->objects_fd);
	if (!rc)
		rc = directory_open_below(d, "users", &d->users_fd, t);
	/* Those of users that were killed; nobody else is here yet. */
	if (!rc && d->alone)
		io_empty_directory(d->users_fd, ".");
	if (!rc && user_join(d->users_fd, &d->user, &d->user_fd))
		rc = trouble_errno(t, "cannot make and lock a file in %s/users", d->path);
	/* Without it, others look a little later. */
	d->evicted_fd = openat(
		d->fd, "evicted", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return rc;
}

int directory_open(
	struct directory *d, const char *path, int64_t deadline, struct trouble *t)
{
	int rc;

	*d = (struct directory){.fd = -1,
		.lock_fd = -1,
		.objects_fd = -1,
		.users_fd = -1,
		.user_fd = -1,
		.evicted_fd = -1};
	write_lock_init(&d->metadata_lock);
	d->path = strdup(path);
	if (!d->path)
		return trouble_set(t, ERR_NO_MEMORY, "out of memory");
	rc = io_make_directories(path, 0700);
	if (rc)
		return trouble_errno(t, "cannot make the cache directory %s", path);
	d->fd = open(path, DIRECTORY_FLAGS);
	if (d->fd < 0)
		return trouble_errno(t, "cannot open the cache directory %s", path);
	rc = check_top(d, t);
	if (!rc)
		rc = directory_take_lock(d, deadline, t);
	return rc ? rc : open_parts(d, t);
}

void directory_close(struct directory *d)
{
	if (d->user_fd >= 0)
		user_leave(d->users_fd, d->user, d->user_fd);
	if (d->evicted_fd >= 0)
		close(d->evicted_fd);
	if (d->users_fd >= 0)
		close(d->users_fd);
	if (d->objects_fd >= 0)
		close(d->objects_fd);
	if (d->keeps_out)
		file_lock_give(d->lock_fd);
	if (d->lock_fd >= 0)
		close(d->lock_fd);
	if (d->fd >= 0)
		close(d->fd);
	write_lock_release(&d->metadata_lock);
	free(d->path);
}

bool directory_is_last(struct directory *d)
{
	return keep_others_out(d);
}

bool directory_user_lives(struct directory *d, uint32_t user)
{
	return user == d->user || user_lives(d->users_fd, user);
}

void directory_tell_evicted(struct directory *d)
{
	/* That takes no space, as bytes in it would. */
	if (d->evicted_fd >= 0)
		(void)futimens(d->evicted_fd, NULL);
}

int directory_watch_evicted(struct directory *d)
{
#ifdef __linux__
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	char path[32];

	snprintf(path, sizeof path, "/proc/self/fd/%d", d->evicted_fd);
	if (fd >= 0 && inotify_add_watch(fd, path, IN_ATTRIB) >= 0)
		return fd;
	if (fd >= 0)
		close(fd);
#else
	(void)d;
#endif
	return -1;
}

int directory_free_bytes(struct directory *d, uint64_t *bytes)
{
	struct statvfs st;

	if (fstatvfs(d->objects_fd, &st))
		return error_from_errno(errno);
	if (__builtin_mul_overflow((uint64_t)st.f_bavail, (uint64_t)st.f_frsize, bytes))
		*bytes = UINT64_MAX;
	return 0;
}

uint64_t directory_boot(const struct directory *d)
{
	struct stat st;
	uint64_t parts[3] = {boot_id_number(), medium_mount(d->fd), 0};

	if (fstat(d->fd, &st) == 0)
		parts[2] = (uint64_t)st.st_dev;
	return checksum_of(parts, sizeof parts);
}

int directory_sync(struct directory *d)
{
#ifdef HAVE_SYNCFS
	return syncfs(d->objects_fd) ? error_from_errno(errno) : 0;
#else
	(void)d;
	sync();
	return 0;
#endif
}

void directory_settle(struct directory *d)
{
#ifdef HAVE_SYNCFS
	/* Of each open file, the kernel tells an error once. */
	int fd = openat(d->objects_fd, ".", DIRECTORY_FLAGS);

	if (fd < 0)
		return;
	(void)syncfs(fd);
	close(fd);
#else
	(void)d;
	sync();
#endif
}
