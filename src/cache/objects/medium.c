/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#ifdef __linux__
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

/* linux/magic.h, and the headers of those that are not in it. Overlayfs is as good as what
 * lies below it, which it does not tell; it is a container's, on the machine's disk. */
bool medium_type_is_local(uint64_t type)
{
	static const uint64_t local[] = {
		0xef53,	    /* ext2, ext3, ext4 */
		0x58465342, /* XFS */
		0x9123683e, /* btrfs */
		0xca451a4e, /* bcachefs */
		0x2fc12fc1, /* ZFS */
		0xf2f52010, /* F2FS */
		0x3153464a, /* JFS */
		0x3434,	    /* NILFS */
		0x01021994, /* tmpfs */
		0x858458f6, /* ramfs */
		0x794c7630, /* overlayfs */
	};

	for (size_t i = 0; i < sizeof local / sizeof *local; i++)
		if (local[i] == type)
			return true;
	return false;
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

bool medium_is_local(int fd)
{
	struct statfs fs;
	struct stat st;

	if (fstatfs(fd, &fs) || fstat(fd, &st))
		return false;
#ifdef __linux__
	/* Magic numbers have 32 bits; f_type is signed on some machines. */
	return medium_type_is_local((uint32_t)fs.f_type) &&
	       medium_device_is_local(st.st_dev, "/sys");
#else
	return fs.f_flags & MNT_LOCAL;
#endif
}
