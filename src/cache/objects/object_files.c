/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/objects/object_files.h"
#include "cache/objects/page_cache.h"
#include "util/checksum.h"
#include "util/io.h"

#define REST_HEX (DIGEST_HEX_SIZE - 1 - 2) /* digits of the digest behind the prefix */
#define INSTANCE_HEX 16

void object_file_name(
	const struct object_id *id, uint64_t instance, char name[OBJECT_NAME_SIZE])
{
	char hex[DIGEST_HEX_SIZE], layout[DIGEST_HEX_SIZE] = "";

	digest_to_hex(&id->digest, hex);
	if (!digest_is_zero(&id->layout))
		digest_to_hex(&id->layout, layout);
	snprintf(name, OBJECT_NAME_SIZE, "%.2s/%s%s%s.%016llx", hex, hex + 2,
		*layout ? "." : "", layout, (unsigned long long)instance);
}

/* The digest, and the layout if there is one: *end is behind them. */
static int parse_id(
	const char *prefix, const char *rest, struct object_id *id, const char **end)
{
	const char *layout = rest + REST_HEX + 1;
	char hex[DIGEST_HEX_SIZE];

	*id = (struct object_id){.digest = {{0}}};
	snprintf(hex, sizeof hex, "%s%.*s", prefix, REST_HEX, rest);
	if (digest_from_hex(span_of_string(hex), &id->digest))
		return ERR_CORRUPT;
	*end = layout - 1;
	if (strlen(layout) == INSTANCE_HEX)
		return 0;
	*end = layout + DIGEST_HEX_SIZE - 1;
	return digest_from_hex(span_of(layout, DIGEST_HEX_SIZE - 1), &id->layout);
}

int object_file_parse(
	const char *prefix, const char *rest, struct object_id *id, uint64_t *instance)
{
	const size_t shortest = REST_HEX + 1 + INSTANCE_HEX, size = strlen(rest);
	char name[OBJECT_NAME_SIZE], again[OBJECT_NAME_SIZE];
	struct object_id parsed;
	uint64_t number;
	const char *end;

	if (strlen(prefix) != 2 || (size != shortest && size != shortest + DIGEST_HEX_SIZE))
		return ERR_CORRUPT;
	if (parse_id(prefix, rest, &parsed, &end))
		return ERR_CORRUPT;
	number = strtoull(end + 1, NULL, 16);
	snprintf(name, sizeof name, "%s/%s", prefix, rest);
	object_file_name(&parsed, number, again);
	if (strcmp(name, again) != 0)
		return ERR_CORRUPT;
	*id = parsed;
	*instance = number;
	return 0;
}

static int create_new(struct directory *d, const char *name)
{
	return openat(d->objects_fd, name,
		O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

int object_file_create(struct directory *d, const struct object_id *id, uint64_t instance,
	uint64_t size, int *fd)
{
	char name[OBJECT_NAME_SIZE], prefix[3];
	int made, rc;

	object_file_name(id, instance, name);
	made = create_new(d, name);
	if (made < 0 && errno == ENOENT) {
		snprintf(prefix, sizeof prefix, "%.2s", name);
		if (mkdirat(d->objects_fd, prefix, 0700) && errno != EEXIST)
			return error_from_errno(errno);
		made = create_new(d, name);
	}
	if (made < 0)
		return error_from_errno(errno);
	if (ftruncate(made, (off_t)size)) {
		rc = error_from_errno(errno);
		close(made);
		unlinkat(d->objects_fd, name, 0);
		return rc;
	}
	*fd = made;
	return 0;
}

/* A link (ELOOP, on FreeBSD EMLINK), a directory, a socket or a device without a driver. */
static bool is_of_no_file(int errnum)
{
	return errnum == ELOOP || errnum == EMLINK || errnum == EISDIR || errnum == ENXIO ||
	       errnum == ENODEV;
}

static int open_checked(struct directory *d, const struct object_id *id, uint64_t instance,
	uint64_t size, int flags, int *fd)
{
	char name[OBJECT_NAME_SIZE];
	struct stat st;
	int opened;

	object_file_name(id, instance, name);
	opened = openat(d->objects_fd, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (opened < 0)
		return is_of_no_file(errno) ? ERR_CORRUPT : error_from_errno(errno);
	if (fstat(opened, &st) || !S_ISREG(st.st_mode) || (uint64_t)st.st_size != size) {
		close(opened);
		return ERR_CORRUPT;
	}
	*fd = opened;
	return 0;
}

int object_file_open(struct directory *d, const struct object_id *id, uint64_t instance,
	uint64_t size, int *fd)
{
	return open_checked(d, id, instance, size, O_RDWR, fd);
}

uint64_t object_file_number(int fd)
{
#ifdef STATX_BTIME
	struct statx st;
	uint64_t parts[3] = {0};

	if (statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &st))
		return 0;
	parts[0] = st.stx_ino;
	if (st.stx_mask & STATX_BTIME) {
		parts[1] = (uint64_t)st.stx_btime.tv_sec;
		parts[2] = st.stx_btime.tv_nsec;
	}
	return checksum_of(parts, sizeof parts);
#else
	struct stat st;

	return fstat(fd, &st) ? 0 : (uint64_t)st.st_ino;
#endif
}

int object_file_lend(struct directory *d, const struct object_id *id, uint64_t instance,
	uint64_t size, uint64_t number, int *fd)
{
	struct stat st;
	int lent = -1;
	int rc = open_checked(d, id, instance, size, O_RDONLY, &lent);

	if (rc)
		return rc;
	if (object_file_number(lent) != number) {
		close(lent);
		return ERR_CORRUPT;
	}
	/* Between opening and locking it may have been evicted. */
	if (flock(lent, LOCK_SH | LOCK_NB) || fstat(lent, &st) || st.st_nlink == 0) {
		close(lent);
		return ERR_ABSENT;
	}
	*fd = lent;
	return 0;
}

/* For reading, whatever its size; -1 and errno. */
static int open_to_ask(struct directory *d, const struct object_id *id, uint64_t instance)
{
	char name[OBJECT_NAME_SIZE];

	object_file_name(id, instance, name);
	return openat(d->objects_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
}

/* Nobody, root included, may remove such a file before it is marked otherwise. */
static bool file_is_to_stay(int fd)
{
#ifdef STATX_ATTR_IMMUTABLE
	struct statx st;

	return statx(fd, "", AT_EMPTY_PATH, 0, &st) == 0 &&
	       st.stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND);
#else
	(void)fd;
	return false;
#endif
}

int object_file_lock(
	struct directory *d, const struct object_id *id, uint64_t instance, int *fd)
{
	int locked = open_to_ask(d, id, instance);

	/* Where there are no locks, nothing is lent. */
	if (locked >= 0 && ((flock(locked, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) ||
				   file_is_to_stay(locked))) {
		close(locked);
		return ERR_BUSY;
	}
	*fd = locked;
	return 0;
}

#ifdef F_SETLEASE
/* Whoever opens it in this moment waits until the lease is given back, and the kernel
 * tells us so, by a signal that does nothing unless it is asked for. */
static enum object_file_use use_of(int fd)
{
	if (fcntl(fd, F_SETSIG, SIGURG))
		return OBJECT_FILE_UNKNOWN;
	if (fcntl(fd, F_SETLEASE, F_WRLCK))
		return errno == EAGAIN ? OBJECT_FILE_HELD : OBJECT_FILE_UNKNOWN;
	fcntl(fd, F_SETLEASE, F_UNLCK);
	return OBJECT_FILE_FREE;
}
#else
static enum object_file_use use_of(int fd)
{
	(void)fd;
	return OBJECT_FILE_UNKNOWN;
}
#endif

enum object_file_use object_file_use(
	struct directory *d, const struct object_id *id, uint64_t instance)
{
	enum object_file_use use;
	int fd = open_to_ask(d, id, instance);

	if (fd < 0)
		return errno == ENOENT	      ? OBJECT_FILE_ABSENT
		       : errno == EWOULDBLOCK ? OBJECT_FILE_HELD /* by who asks this, too */
					      : OBJECT_FILE_UNKNOWN;
	use = use_of(fd);
	close(fd);
	return use;
}

int object_file_prove(int fd, struct span content, uint64_t start)
{
	uint8_t *again = malloc(content.size);
	int rc = 0;

	if (!again)
		return ERR_NO_MEMORY;
	if (fdatasync(fd))
		rc = error_from_errno(errno);
	page_cache_forget(fd, start, content.size);
	if (!rc)
		rc = io_pread_full(fd, again, content.size, start);
	if (!rc && memcmp(again, content.data, content.size) != 0)
		rc = ERR_IO;
	free(again);
	return rc;
}

int object_file_remove(struct directory *d, const struct object_id *id, uint64_t instance)
{
	char name[OBJECT_NAME_SIZE];

	object_file_name(id, instance, name);
	if (unlinkat(d->objects_fd, name, 0) && errno != ENOENT)
		return error_from_errno(errno);
	return 0;
}

static int each_in(struct directory *d, const char *prefix, object_file_fn each, void *ctx)
{
	int fd = openat(
		d->objects_fd, prefix, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	struct object_id id;
	uint64_t instance;
	int rc = 0;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	while (!rc && (entry = readdir(dir)))
		if (!object_file_parse(prefix, entry->d_name, &id, &instance))
			rc = each(ctx, &id, instance);
	closedir(dir);
	return rc;
}

uint64_t object_file_cost(
	struct directory *d, const struct object_id *id, uint64_t instance)
{
	char name[OBJECT_NAME_SIZE];
	struct stat st;

	object_file_name(id, instance, name);
	if (fstatat(d->objects_fd, name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
		return 0;
	return (uint64_t)st.st_blocks * 512; /* stat(2) */
}

int object_file_each(struct directory *d, object_file_fn each, void *ctx)
{
	char prefix[3];
	int rc = 0;

	for (unsigned i = 0; i < 256 && !rc; i++) {
		snprintf(prefix, sizeof prefix, "%02x", i);
		rc = each_in(d, prefix, each, ctx);
	}
	return rc;
}
