/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/extract_attributes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef HAVE_SYS_XATTR_H
#include <sys/xattr.h>
#endif

#include "format/names.h"

static void warn_errno(const char *what, const char *path, extract_warn_fn warn, void *ctx)
{
	struct trouble t;

	trouble_errno(&t, "%s: cannot set %s", path, what);
	warn(ctx, &t);
}

static void times_of(const struct entry *e, struct timespec times[2])
{
	times[0] = times[1] = (struct timespec){
		.tv_sec = (time_t)e->mtime, .tv_nsec = (long)e->mtime_nsec};
}

/* Only root can give files away; for others the owner is who extracts, as with tar. */
static int may_chown(void)
{
	return geteuid() == 0;
}

#if defined(HAVE_SYS_XATTR_H) && defined(__linux__)
static void set_xattrs_fd(
	int fd, const struct entry *e, const char *path, extract_warn_fn warn, void *ctx)
{
	struct xattr x;
	size_t at = 0;

	while (xattr_next(e->xattrs, &at, &x)) {
		char *name = span_to_string(x.name);

		if (!name || fsetxattr(fd, name, x.value.data, x.value.size, 0))
			warn_errno(name ? name : "an attribute", path, warn, ctx);
		free(name);
	}
}

static void set_xattrs_at(int dirfd, const char *name, const struct entry *e,
	const char *path, extract_warn_fn warn, void *ctx)
{
	char proc_path[64 + NAME_SIZE_MAX];
	struct xattr x;
	size_t at = 0;

	snprintf(proc_path, sizeof proc_path, "/proc/self/fd/%d/%s", dirfd, name);
	while (xattr_next(e->xattrs, &at, &x)) {
		char *key = span_to_string(x.name);

		if (!key || lsetxattr(proc_path, key, x.value.data, x.value.size, 0))
			warn_errno(key ? key : "an attribute", path, warn, ctx);
		free(key);
	}
}
#else
static void warn_xattrs(
	const struct entry *e, const char *path, extract_warn_fn warn, void *ctx)
{
	errno = ENOTSUP;
	if (e->xattrs.size)
		warn_errno("extended attributes", path, warn, ctx);
}
#define set_xattrs_fd(fd, e, path, warn, ctx) warn_xattrs(e, path, warn, ctx)
#define set_xattrs_at(dirfd, name, e, path, warn, ctx) warn_xattrs(e, path, warn, ctx)
#endif

/* Owner first, since it clears set-id bits and capabilities; times last. */
void extract_attributes_fd(
	int fd, const struct entry *e, const char *path, extract_warn_fn warn, void *ctx)
{
	struct timespec times[2];

	times_of(e, times);
	if (may_chown() && fchown(fd, e->uid, e->gid))
		warn_errno("the owner", path, warn, ctx);
	set_xattrs_fd(fd, e, path, warn, ctx);
	if (fchmod(fd, e->mode))
		warn_errno("the mode", path, warn, ctx);
	if (futimens(fd, times))
		warn_errno("the time", path, warn, ctx);
}

void extract_attributes_at(int dirfd, const char *name, const struct entry *e,
	const char *path, extract_warn_fn warn, void *ctx)
{
	struct timespec times[2];

	times_of(e, times);
	if (may_chown() && fchownat(dirfd, name, e->uid, e->gid, AT_SYMLINK_NOFOLLOW))
		warn_errno("the owner", path, warn, ctx);
	set_xattrs_at(dirfd, name, e, path, warn, ctx);
	if (e->type != ENTRY_SYMLINK && fchmodat(dirfd, name, e->mode, 0))
		warn_errno("the mode", path, warn, ctx);
	if (utimensat(dirfd, name, times, AT_SYMLINK_NOFOLLOW))
		warn_errno("the time", path, warn, ctx);
}
