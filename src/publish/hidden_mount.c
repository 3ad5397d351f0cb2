/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <fcntl.h>
#include <sys/stat.h>
#ifdef __linux__
#include <sys/sysmacros.h>
#endif

#include "publish/hidden_mount.h"

#ifdef STATX_ATTR_MOUNT_ROOT

/* Asked for no field at all, the kernel does not ask the file system and says what it knows
 * itself: the device, and what is mounted there (statx(2), fuse_getattr() in Linux). */
bool hidden_mount(int dirfd, const char *name, struct stat *out)
{
	struct statx found;
	struct stat st;

	if (statx(dirfd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0, &found) != 0 ||
		!(found.stx_attributes & STATX_ATTR_MOUNT_ROOT) || fstat(dirfd, &st) != 0)
		return false;
	st.st_dev = makedev(found.stx_dev_major, found.stx_dev_minor);
	st.st_nlink = 2;
	*out = st;
	return true;
}

#else

bool hidden_mount(int dirfd, const char *name, struct stat *out)
{
	(void)dirfd;
	(void)name;
	(void)out;
	return false;
}

#endif
