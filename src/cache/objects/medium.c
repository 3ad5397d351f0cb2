/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#ifdef __linux__
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#else
#include <sys/mount.h>
#include <sys/param.h>
#endif

#include "cache/objects/medium.h"
#include "util/io.h"

#define DEPTH_MAX 8 /* of devices made of devices */
#define PATH_SIZE 4096

/* Magic numbers (statfs(2)): linux/magic.h, and the headers of those not in it. */
#define BTRFS 0x9123683e
#define EXT4 0xef53 /* ext2 and ext3, too */
#define F2FS 0xf2f52010
#define OVERLAYFS 0x794c7630
#define TMPFS 0x01021994
#define XFS 0x58465342

static bool is_among(uint64_t type, const uint64_t *types, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (types[i] == type)
			return true;
	return false;
}

/* Overlayfs is as good as what lies below it, which it does not tell; it is a container's,
 * on the machine's disk. */
bool medium_type_is_local(uint64_t type)
{
	static const uint64_t local[] = {
		EXT4,
		XFS,
		BTRFS,
		0xca451a4e, /* bcachefs */
		0x2fc12fc1, /* ZFS */
		F2FS,
		0x3153464a, /* JFS */
		0x3434,	    /* NILFS */
		TMPFS,
		0x858458f6, /* ramfs */
		OVERLAYFS,
	};

	return is_among(type, local, sizeof local / sizeof *local);
}

static bool says_one(const char *directory, const char *name)
{
	char path[PATH_SIZE];
	struct bytes text = {0};
	bool one;

	if (snprintf(path, sizeof path, "%s/%s", directory, name) >= (int)sizeof path)
		return false;
	one = io_read_file(AT_FDCWD, path, 16, &text) == 0 && text.size &&
	      text.data[0] == '1';
	bytes_release(&text);
	return one;
}

/* The path of a device in /sys names the buses that it hangs on: USB, iSCSI's sessions;
 * disks over a network are named after their drivers. A partition's disk is above it. */
static bool hangs_elsewhere(const char *path)
{
	static const char *const words[] = {
		"/usb", "/session", "/nbd", "/rbd", "/drbd", "/nvme-fabrics", NULL};

	for (const char *const *w = words; *w; w++)
		if (strstr(path, *w))
			return true;
	return says_one(path, "removable") || says_one(path, "../removable");
}

static bool device_is_local(const char *link, unsigned depth);

/* What a device of the device mapper, or an array, is made of. */
static bool parts_are_local(const char *device, unsigned depth)
{
	char path[PATH_SIZE];
	const struct dirent *entry;
	bool local = true;
	DIR *dir;

	if (snprintf(path, sizeof path, "%s/slaves", device) >= (int)sizeof path)
		return false;
	dir = opendir(path);
	while (dir && local && (entry = readdir(dir))) {
		char part[PATH_SIZE];

		if (entry->d_name[0] == '.')
			continue;
		if (snprintf(part, sizeof part, "%s/%s", path, entry->d_name) >=
			(int)sizeof part)
			local = false;
		else
			local = device_is_local(part, depth + 1);
	}
	if (dir)
		closedir(dir);
	return local;
}

static bool device_is_local(const char *link, unsigned depth)
{
	char *path;
	bool local;

	if (depth > DEPTH_MAX)
		return false;
	path = realpath(link, NULL);
	if (!path)
		return true;
	local = !hangs_elsewhere(path) && parts_are_local(path, depth);
	free(path);
	return local;
}

bool medium_device_is_local(dev_t device, const char *sys)
{
	char link[PATH_SIZE];

	/* btrfs, ZFS and what lies in memory have none. */
	if (major(device) == 0)
		return true;
	if (snprintf(link, sizeof link, "%s/dev/block/%u:%u", sys, major(device),
		    minor(device)) >= (int)sizeof link)
		return false;
	return device_is_local(link, 0);
}

/* The magic number; 0: not known. */
static uint64_t medium_type(int fd)
{
#ifdef __linux__
	struct statfs fs;

	/* It has 32 bits; f_type is signed on some machines. */
	return fstatfs(fd, &fs) ? 0 : (uint32_t)fs.f_type;
#else
	(void)fd;
	return 0;
#endif
}

bool medium_is_local(int fd)
{
#ifdef __linux__
	struct stat st;

	return fstat(fd, &st) == 0 && medium_type_is_local(medium_type(fd)) &&
	       medium_device_is_local(st.st_dev, "/sys");
#else
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && (fs.f_flags & MNT_LOCAL);
#endif
}

bool medium_is_stacked(int fd)
{
	return medium_type(fd) == OVERLAYFS;
}

bool medium_tells(int fd)
{
#if defined(HAVE_SYNC_FILE_RANGE) && defined(HAVE_SYNCFS)
	static const uint64_t those[] = {EXT4, XFS, BTRFS, F2FS, TMPFS};

	return is_among(medium_type(fd), those, sizeof those / sizeof *those);
#else
	(void)fd;
	return false;
#endif
}

void medium_write_in_place(int fd)
{
#ifdef FS_IOC_SETFLAGS
	int flags;

	if (medium_type(fd) != BTRFS || ioctl(fd, FS_IOC_GETFLAGS, &flags) ||
		flags & FS_NOCOW_FL)
		return;
	flags |= FS_NOCOW_FL;
	(void)ioctl(fd, FS_IOC_SETFLAGS, &flags);
#else
	(void)fd;
#endif
}

#ifndef STATX_MNT_ID
#define STATX_MNT_ID 0x1000U
#endif
#ifndef STATX_MNT_ID_UNIQUE
#define STATX_MNT_ID_UNIQUE 0x4000U
#endif

uint64_t medium_mount(int fd)
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
