/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/sysmacros.h>
#endif
#if defined(HAVE_SYS_XATTR_H) && defined(__linux__) /* macOS has others of that name */
#include <sys/xattr.h>
#define HAVE_XATTRS 1
#endif

#include "publish/attributes.h"
#include "util/clock.h"
#include "util/error.h"

#ifdef HAVE_STRUCT_STAT_ST_MTIM
#define MTIM st_mtim
#define CTIM st_ctim
#else /* macOS */
#define MTIM st_mtimespec
#define CTIM st_ctimespec
#endif

/* False for a kind that the format lacks. */
static bool entry_type_of(mode_t mode, enum entry_type *out)
{
	static const struct {
		mode_t kind;
		enum entry_type type;
	} types[] = {
		{S_IFREG, ENTRY_FILE},
		{S_IFDIR, ENTRY_DIRECTORY},
		{S_IFLNK, ENTRY_SYMLINK},
		{S_IFCHR, ENTRY_CHARACTER},
		{S_IFBLK, ENTRY_BLOCK},
		{S_IFIFO, ENTRY_FIFO},
		{S_IFSOCK, ENTRY_SOCKET},
	};

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		if ((mode & S_IFMT) != types[i].kind)
			continue;
		*out = types[i].type;
		return true;
	}
	return false;
}

int attributes_stat(const struct stat *st, struct entry *out)
{
	enum entry_type type;
	bool device, sized;

	if (!entry_type_of(st->st_mode, &type))
		return ERR_UNSUPPORTED;
	device = type == ENTRY_CHARACTER || type == ENTRY_BLOCK;
	sized = type == ENTRY_FILE || type == ENTRY_SYMLINK;
	out->type = type;
	out->mode = (uint16_t)(st->st_mode & 07777);
	out->uid = st->st_uid;
	out->gid = st->st_gid;
	out->mtime = st->MTIM.tv_sec;
	out->mtime_nsec = (uint32_t)st->MTIM.tv_nsec;
	out->size = sized ? (uint64_t)st->st_size : 0;
	out->major = device ? (uint32_t)major(st->st_rdev) : 0;
	out->minor = device ? (uint32_t)minor(st->st_rdev) : 0;
	return 0;
}

/* Times beyond the years 1678 to 2262 do not fit; they are only compared. */
static int64_t nanoseconds(const struct timespec *ts)
{
	uint64_t ns = (uint64_t)ts->tv_sec * (uint64_t)NS_PER_SECOND;

	return (int64_t)(ns + (uint64_t)ts->tv_nsec);
}

int64_t attributes_mtime(const struct stat *st)
{
	return nanoseconds(&st->MTIM);
}

int64_t attributes_ctime(const struct stat *st)
{
	return nanoseconds(&st->CTIM);
}

bool attributes_unchanged(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       ((a->st_mode ^ b->st_mode) & S_IFMT) == 0 && a->st_size == b->st_size &&
	       attributes_mtime(a) == attributes_mtime(b) &&
	       attributes_ctime(a) == attributes_ctime(b);
}

int attributes_target(int dirfd, const char *name, struct bytes *target)
{
	char buffer[LINK_TARGET_SIZE_MAX + 1];
	ssize_t size = readlinkat(dirfd, name, buffer, sizeof buffer);

	if (size < 0)
		return error_from_errno(errno);
	if (size > LINK_TARGET_SIZE_MAX)
		return ERR_LIMIT;
	return bytes_append(target, buffer, (size_t)size);
}

#ifdef HAVE_XATTRS

int attributes_available(struct trouble *t)
{
	if (access("/proc/self/fd", X_OK) == 0)
		return 0;
	return trouble_set(t, ERR_UNSUPPORTED,
		"/proc is not mounted, and extended attributes cannot be read without it");
}

#define LIST_SIZE_FIRST 1024
#define PROC_PATH_SIZE (sizeof "/proc/self/fd//" + 20 + NAME_MAX)
#define TRIES 8 /* an attribute may grow between asking for its size and for itself */

/* One of the two ways to name the file: there is no llistxattrat() before Linux 6.13. */
struct node {
	int fd; /* used when path is "" */
	char path[PROC_PATH_SIZE];
};

static struct node node_of(int dirfd, const char *name)
{
	struct node n = {.fd = dirfd};

	if (name[0] != '\0')
		snprintf(n.path, sizeof n.path, "/proc/self/fd/%d/%s", dirfd, name);
	return n;
}

static ssize_t node_list(const struct node *n, char *list, size_t size)
{
	return n->path[0] ? llistxattr(n->path, list, size) : flistxattr(n->fd, list, size);
}

static ssize_t node_get(const struct node *n, const char *name, void *value, size_t size)
{
	return n->path[0] ? lgetxattr(n->path, name, value, size)
			  : fgetxattr(n->fd, name, value, size);
}

/* All names into `list`, each with its NUL. A file system without attributes has none. */
static int node_read_list(const struct node *n, struct bytes *list)
{
	size_t room = LIST_SIZE_FIRST;

	for (int i = 0; i < TRIES; i++) {
		int rc = bytes_reserve(list, room);
		ssize_t size;

		if (rc)
			return rc;
		size = node_list(n, (char *)list->data, room);
		if (size >= 0) {
			list->size = (size_t)size;
			return 0;
		}
		if (errno == ENOTSUP || errno == ENOSYS)
			return 0;
		if (errno != ERANGE)
			return error_from_errno(errno);
		room *= 8;
	}
	return ERR_LIMIT;
}

static bool starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static bool is_wanted_xattr(const char *name)
{
	if (starts_with(name, "system."))
		return starts_with(name, "system.posix_acl_");
	return strcmp(name, "security.selinux") != 0 && strcmp(name, "security.evm") != 0 &&
	       !starts_with(name, "security.SMACK64");
}

/* `value` has room for XATTR_VALUE_SIZE_MAX bytes. One that vanished, or that may be
 * listed but not read (trusted.*, by others than root), is no error. */
static int append_value(
	const struct node *n, const char *name, uint8_t *value, struct bytes *packed)
{
	ssize_t size = node_get(n, name, value, XATTR_VALUE_SIZE_MAX);

	if (size >= 0) {
		int rc = xattr_append(
			packed, span_of_string(name), span_of(value, (size_t)size));

		return !rc && packed->size > XATTRS_SIZE_MAX ? ERR_LIMIT : rc;
	}
	if (errno == ENODATA || errno == EPERM || errno == ENOTSUP)
		return 0;
	return errno == ERANGE || errno == E2BIG ? ERR_LIMIT : error_from_errno(errno);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The wanted names of `list`, sorted; borrowed from it. ERR_LIMIT. */
static int sort_names(const struct bytes *list, const char **names, size_t *count)
{
	size_t used = 0;

	for (size_t at = 0; at < list->size;) {
		const char *name = (const char *)list->data + at;

		at += strlen(name) + 1;
		if (!is_wanted_xattr(name))
			continue;
		if (used == XATTR_COUNT_MAX)
			return ERR_LIMIT;
		names[used++] = name;
	}
	qsort(names, used, sizeof *names, compare_names);
	*count = used;
	return 0;
}

static int append_values(
	const struct node *n, const struct bytes *list, struct bytes *packed)
{
	const char **names = malloc(XATTR_COUNT_MAX * sizeof *names);
	uint8_t *value = malloc(XATTR_VALUE_SIZE_MAX);
	size_t count = 0;
	int rc = names && value ? sort_names(list, names, &count) : ERR_NO_MEMORY;

	for (size_t i = 0; !rc && i < count; i++)
		rc = append_value(n, names[i], value, packed);
	free(names);
	free(value);
	return rc;
}

int attributes_xattrs(int dirfd, const char *name, struct bytes *packed)
{
	struct node n = node_of(dirfd, name);
	struct bytes list = {0};
	size_t start = packed->size;
	int rc = node_read_list(&n, &list);

	if (!rc && list.size > 0)
		rc = append_values(&n, &list, packed);
	if (rc)
		packed->size = start;
	bytes_release(&list);
	return rc;
}

#else

int attributes_available(struct trouble *t)
{
	(void)t;
	return 0;
}

int attributes_xattrs(int dirfd, const char *name, struct bytes *packed)
{
	(void)dirfd;
	(void)name;
	(void)packed;
	return 0;
}

#endif
