/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#ifdef __linux__
#include <linux/fs.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#endif
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#ifdef HAVE_SYS_STATFS_H
#include <sys/statfs.h>
#endif
#include <unistd.h>

#include "cache/meta/guard.h"
#include "cache/objects/directory.h"
#include "util/boot_id.h"
#include "util/checksum.h"
#include "util/file_lock.h"
#include "util/io.h"

#define DIRECTORY_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC)
#define USER_TRIES 16

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

static int open_below(struct directory *d, const char *name, int *fd, struct trouble *t)
{
	struct stat st;
	int opened;

	if (mkdirat(d->fd, name, 0700) && errno != EEXIST)
		return trouble_errno(t, "cannot make %s/%s", d->path, name);
	opened = openat(d->fd, name, DIRECTORY_FLAGS | O_NOFOLLOW);
	if (opened < 0)
		return trouble_errno(t, "cannot open %s/%s", d->path, name);
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
	d->keeps_out = !file_lock_take(d->lock_fd, FILE_LOCK_ALONE, 0, d->gate);
	return d->keeps_out;
}

static int refuse_locked(struct directory *d, const char *name, int rc, struct trouble *t)
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
	int rc = file_lock_take(d->lock_fd, FILE_LOCK_SHARED, deadline, NULL);

	return rc ? refuse_locked(d, "lock", rc, t) : 0;
}

static int directory_take_lock(struct directory *d, int64_t deadline, struct trouble *t)
{
	d->lock_fd = openat(d->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (d->lock_fd < 0)
		return trouble_errno(t, "cannot open %s/lock", d->path);
	d->alone = keep_others_out(d);
	return d->alone ? 0 : join_others(d, deadline, t);
}

int directory_admit(struct directory *d, int64_t deadline, struct trouble *t)
{
	if (!d->keeps_out)
		return 0;
	d->keeps_out = false;
	stop_gate_leave(d->gate);
	return join_others(d, deadline, t);
}

/* All files in it. */
static void empty_directory(int at, const char *name)
{
	int copy = openat(at, name, DIRECTORY_FLAGS | O_NOFOLLOW);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;

	if (!dir) {
		if (copy >= 0)
			close(copy);
		return;
	}
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
}

static int become_user(struct directory *d, struct trouble *t)
{
	char name[16];

	for (unsigned i = 0; i < USER_TRIES; i++) {
		if (getentropy(&d->user, sizeof d->user) || d->user == 0)
			continue;
		snprintf(name, sizeof name, "%08x", d->user);
		d->user_fd = openat(d->users_fd, name,
			O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (d->user_fd >= 0)
			break;
	}
	if (d->user_fd < 0)
		return trouble_errno(t, "cannot make a file in %s/users", d->path);
	if (flock(d->user_fd, LOCK_EX | LOCK_NB))
		return trouble_errno(t, "cannot lock %s/users/%s", d->path, name);
	return 0;
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
	return rc ? trouble_errno(t, "cannot open %s/meta.lock", d->path) : 0;
}

/* Those whose flush tells of every file: one that lies on others (overlayfs, FUSE) or on
 * another machine does not know of their troubles before the file itself is flushed. */
static bool kernel_tells(int fd)
{
#if defined(HAVE_SYS_STATFS_H) && defined(HAVE_SYNC_FILE_RANGE) && defined(HAVE_SYNCFS)
	/* linux/magic.h; statfs(2) */
	static const uint32_t those[] = {0xEF53 /* ext4 */, 0x58465342 /* XFS */,
		0x9123683E /* Btrfs */, 0xF2F52010 /* F2FS */, 0x01021994 /* tmpfs */};
	struct statfs st;

	if (fstatfs(fd, &st))
		return false;
	for (unsigned i = 0; i < sizeof those / sizeof those[0]; i++)
		if ((uint32_t)st.f_type == those[i])
			return true;
#else
	(void)fd;
#endif
	return false;
}

static int open_parts(struct directory *d, struct trouble *t)
{
	int rc = open_metadata_lock(d, t);

	if (!rc)
		rc = open_below(d, "objects", &d->objects_fd, t);
	if (!rc)
		d->tells = kernel_tells(d->objects_fd);
	if (!rc)
		rc = open_below(d, "users", &d->users_fd, t);
	/* Those of users that were killed; nobody else is here yet. */
	if (!rc && d->alone)
		empty_directory(d->users_fd, ".");
	if (!rc)
		rc = become_user(d, t);
	/* Without it, others look a little later. */
	d->evicted_fd = openat(
		d->fd, "evicted", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return rc;
}

int directory_open(struct directory *d, const char *path, int64_t deadline,
	struct stop_gate *gate, struct trouble *t)
{
	int rc;

	*d = (struct directory){.fd = -1,
		.lock_fd = -1,
		.objects_fd = -1,
		.users_fd = -1,
		.user_fd = -1,
		.evicted_fd = -1,
		.gate = gate};
	write_lock_init(&d->metadata_lock);
	d->metadata_lock.gate = gate;
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
	char name[16];

	if (d->user_fd >= 0) {
		snprintf(name, sizeof name, "%08x", d->user);
		unlinkat(d->users_fd, name, 0);
		close(d->user_fd);
	}
	if (d->evicted_fd >= 0)
		close(d->evicted_fd);
	if (d->users_fd >= 0)
		close(d->users_fd);
	if (d->objects_fd >= 0)
		close(d->objects_fd);
	if (d->lock_fd >= 0)
		close(d->lock_fd);
	if (d->keeps_out)
		stop_gate_leave(d->gate);
	if (d->fd >= 0)
		close(d->fd);
	write_lock_release(&d->metadata_lock);
	free(d->path);
}

bool directory_is_last(struct directory *d)
{
	return keep_others_out(d);
}

#define BTRFS_MAGIC 0x9123683E /* linux/magic.h */

/* Btrfs writes a page of a file to another place each time, and needs space for that: on a
 * full disk, LMDB could not even note a reader, whose table is mapped (SIGBUS). What is
 * made in the directory from now on is written in place (ioctl_iflags(2)). */
static void write_in_place(int fd)
{
#if defined(HAVE_SYS_STATFS_H) && defined(FS_IOC_SETFLAGS)
	struct statfs st;
	int flags;

	if (fstatfs(fd, &st) || (uint32_t)st.f_type != BTRFS_MAGIC ||
		ioctl(fd, FS_IOC_GETFLAGS, &flags) || flags & FS_NOCOW_FL)
		return;
	flags |= FS_NOCOW_FL;
	(void)ioctl(fd, FS_IOC_SETFLAGS, &flags);
#else
	(void)fd;
#endif
}

int directory_metadata(struct directory *d, char **path, struct trouble *t)
{
	int fd = -1;
	int rc = open_below(d, "meta", &fd, t);

	if (rc)
		return rc;
	write_in_place(fd);
	close(fd);
	if (asprintf(path, "%s/meta", d->path) < 0)
		return trouble_set(t, ERR_NO_MEMORY, "out of memory");
	return 0;
}

int directory_hold_metadata(struct directory *d, int64_t deadline, struct trouble *t)
{
	int rc = write_lock_take(&d->metadata_lock, deadline);

	return rc ? refuse_locked(d, "meta.lock", rc, t) : 0;
}

void directory_release_metadata(struct directory *d)
{
	write_lock_give(&d->metadata_lock);
}

/* In the place of the one before, which may be anything by now. */
static bool move_metadata(struct directory *d, const char *name)
{
	if (unlinkat(d->fd, name, 0)) {
		empty_directory(d->fd, name);
		unlinkat(d->fd, name, AT_REMOVEDIR);
	}
	return renameat(d->fd, "meta", d->fd, name) == 0;
}

int directory_set_aside(struct directory *d, struct trouble *t)
{
	/* NFS leaves a file in the first one while somebody has one of its files open. */
	static const char *const names[] = {
		"meta.damaged", "meta.damaged.1", "meta.damaged.2"};

	directory_mark_damaged(d);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (move_metadata(d, names[i]))
			return 0;
	return trouble_errno(t, "cannot move %s/meta aside, to %s", d->path, names[0]);
}

bool directory_metadata_is_odd(struct directory *d)
{
	static const char *const names[] = {
		"meta/data.mdb", "meta/lock.mdb", "meta/write.lock"};
	struct stat st;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (fstatat(d->fd, names[i], &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
			return true;
	return false;
}

#define MARK "meta/" GUARD_MARK

void directory_mark_damaged(struct directory *d)
{
	int fd = openat(d->fd, MARK,
		O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

	if (fd >= 0)
		close(fd);
}

bool directory_is_damaged(struct directory *d)
{
	return faccessat(d->fd, MARK, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

bool directory_user_lives(struct directory *d, uint32_t user)
{
	char name[16];
	bool lives;
	int fd;

	if (user == d->user)
		return true;
	snprintf(name, sizeof name, "%08x", user);
	fd = openat(d->users_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno != ENOENT;
	lives = flock(fd, LOCK_EX | LOCK_NB) != 0;
	if (!lives)
		unlinkat(d->users_fd, name, 0);
	close(fd);
	return lives;
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

/* Overlayfs's own number, from statfs(2) or linux/magic.h, which not every system has. */
#define OVERLAYFS_MAGIC 0x794c7630

bool directory_is_stacked(const struct directory *d)
{
#ifdef HAVE_SYS_STATFS_H
	struct statfs st;

	return fstatfs(d->objects_fd, &st) == 0 && st.f_type == OVERLAYFS_MAGIC;
#else
	(void)d;
	return false;
#endif
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

#ifndef STATX_MNT_ID
#define STATX_MNT_ID 0x1000U
#endif
#ifndef STATX_MNT_ID_UNIQUE
#define STATX_MNT_ID_UNIQUE 0x4000U
#endif

/* statx(2): since Linux 6.8 a number that no other mount ever has, before (5.8) one that
 * is used again after an unmount; 0 where there is none. */
static uint64_t mount_number(int fd)
{
#if defined(__linux__) && defined(HAVE_STRUCT_STATX_STX_MNT_ID)
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID_UNIQUE, &st) == 0 &&
		(st.stx_mask & STATX_MNT_ID_UNIQUE))
		return st.stx_mnt_id;
	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) == 0 &&
		(st.stx_mask & STATX_MNT_ID))
		return st.stx_mnt_id;
#else
	(void)fd;
#endif
	return 0;
}

uint64_t directory_boot(const struct directory *d)
{
	struct stat st;
	uint64_t parts[3] = {boot_id_number(), mount_number(d->fd), 0};

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
