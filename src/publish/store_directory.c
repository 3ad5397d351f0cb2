/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "publish/dir_names.h"
#include "publish/directory_listing.h"
#include "publish/store_directory.h"
#include "publish/stored_blob.h"
#include "publish/unsynced.h"
#include "util/io.h"

#define LOCK_NAME ".lock"

/* The store's own directory is the first; each may lie on a file system of its own. */
static const char *const directories[] = {".", "blobs", "revisions", "tags"};
#define DIRECTORY_COUNT (sizeof directories / sizeof directories[0])

struct store_directory {
	struct store base;	  /* first */
	int fds[DIRECTORY_COUNT]; /* open since before the first write: syncfs(2) tells of
				   * the errors since then; -1: not there */
	dev_t devices[DIRECTORY_COUNT];
	int lock; /* -1: it is read */
	struct stat st;
	bool made;		  /* the directory was not there before */
	bool fresh;		  /* nor was anything in it */
	atomic_uint serial;	  /* of temporary names */
	pthread_mutex_t mark_mtx; /* making the mark; held over that, so that no blob is
				   * written before it is durable */
	atomic_bool marked;	  /* by this process; written under mark_mtx */
	int64_t since;		  /* what the mark says; set before `marked` */
};

static struct store_directory *directory_of(struct store *s)
{
	return (struct store_directory *)s;
}

static int directory_root(const struct store_directory *d)
{
	return d->fds[0];
}

static void store_directory_close(struct store *s)
{
	struct store_directory *d = directory_of(s);

	if (d->lock >= 0)
		close(d->lock); /* and with it the lock */
	for (size_t i = 0; i < DIRECTORY_COUNT; i++)
		if (d->fds[i] >= 0)
			close(d->fds[i]);
	pthread_mutex_destroy(&d->mark_mtx);
	free(d->base.name);
	free(d);
}

static void store_directory_discard(struct store *s)
{
	struct store_directory *d = directory_of(s);

	if (!d->fresh || unlinkat(directory_root(d), "blobs", AT_REMOVEDIR) != 0)
		return;
	for (size_t i = 2; i < DIRECTORY_COUNT; i++)
		unlinkat(directory_root(d), directories[i], AT_REMOVEDIR);
	unlinkat(directory_root(d), LOCK_NAME, 0);
	unsynced_remove(directory_root(d));
	if (d->made)
		rmdir(d->base.name);
}

static int store_fail_write(
	const struct store_directory *d, const char *path, int rc, struct trouble *t)
{
	return trouble_set(t, rc, "cannot write %s in the store %s: %s%s", path,
		d->base.name, error_text(rc),
		rc == ERR_NO_SPACE ? "; make room and publish again: it goes on where it "
				     "stopped"
				   : "");
}

static int store_fail_read(
	const struct store_directory *d, const char *path, int rc, struct trouble *t)
{
	return trouble_set(t, rc, "cannot read %s in the store %s: %s", path, d->base.name,
		error_text(rc));
}

static struct store_version version_of(struct span text)
{
	struct digest digest = digest_of(text.data, text.size);
	struct store_version version;

	digest_to_hex(&digest, version.text);
	return version;
}

static int store_directory_read(struct store *s, const char *path, size_t max,
	uint64_t *asked, struct bytes *out, struct store_version *version,
	struct trouble *t)
{
	struct store_directory *d = directory_of(s);
	size_t start = out->size;
	int rc = ERR_ABSENT;

	if (!*asked)
		rc = io_read_regular_file(directory_root(d), path, max, out);
	*asked = 1;
	if (rc)
		return store_fail_read(d, path, rc, t);
	if (version)
		*version = version_of(span_of_part(out, start, out->size - start));
	return 0;
}

static int store_directory_find_blob(
	struct store *s, const struct digest *name, struct stored *out, struct trouble *t)
{
	struct store_directory *d = directory_of(s);
	int rc = stored_blob_find(directory_root(d), name, out);
	char path[BLOB_PATH_SIZE];

	if (!rc || rc == ERR_ABSENT || !t)
		return rc;
	blob_path(name, path);
	return store_fail_read(d, path, rc, t);
}

/* Before the first blob. */
static int make_mark(struct store_directory *d, struct trouble *t)
{
	int rc = 0;

	pthread_mutex_lock(&d->mark_mtx);
	if (!atomic_load(&d->marked)) {
		rc = unsynced_make(
			directory_root(d), atomic_fetch_add(&d->serial, 1), &d->since);
		if (!rc)
			atomic_store(&d->marked, true);
	}
	pthread_mutex_unlock(&d->mark_mtx);
	return rc ? store_fail_write(d, "its mark .unsynced", rc, t) : 0;
}

static int store_directory_put_blob(
	struct store *s, const struct digest *name, struct span stored, struct trouble *t)
{
	struct store_directory *d = directory_of(s);
	char path[BLOB_PATH_SIZE];
	unsigned serial;
	int rc = atomic_load(&d->marked) ? 0 : make_mark(d, t);

	if (rc)
		return rc;
	serial = atomic_fetch_add(&d->serial, 1);
	rc = stored_blob_write(directory_root(d), name, stored, serial, d->since);
	if (!rc)
		return 0;
	blob_path(name, path);
	return store_fail_write(d, path, rc, t);
}

/* nginx, among others, makes an entity tag of a file's size and the second that it was
 * written in: a client that saw the one before must not take this one for it. */
static void set_apart(
	struct store_directory *d, const char *path, const struct stat *before)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {before->st_mtime + 1, 0}};
	struct stat now;

	if (fstatat(directory_root(d), path, &now, 0) == 0 &&
		now.st_mtime <= before->st_mtime)
		(void)utimensat(directory_root(d), path, times, 0);
}

/* Is what is there what was seen? The lock keeps other writers out meanwhile. */
static int check_seen(struct store_directory *d, const char *path,
	const struct store_version *seen, struct trouble *t)
{
	struct store_version now = {""};
	struct bytes text = {0};
	int rc = io_read_regular_file(directory_root(d), path, MANIFEST_SIZE_MAX, &text);

	if (!rc)
		now = version_of(span_of_bytes(&text));
	bytes_release(&text);
	if (rc && rc != ERR_ABSENT)
		return store_fail_read(d, path, rc, t);
	if (strcmp(now.text, seen->text) == 0)
		return 0;
	return trouble_set(t, ERR_CHANGED,
		"%s in the store %s was replaced by somebody else meanwhile: look at it, "
		"and do it again",
		path, d->base.name);
}

/* Most stores have no tombstones/. */
static int store_make_parent(struct store_directory *d, const char *path)
{
	char parent[STORE_PATH_MAX];

	snprintf(parent, sizeof parent, "%.*s", (int)strcspn(path, "/"), path);
	if (mkdirat(directory_root(d), parent, STORE_DIRECTORY_MODE) != 0 ||
		fsync(directory_root(d)) != 0)
		return error_from_errno(errno);
	return 0;
}

static int store_directory_put(struct store *s, const char *path, struct span text,
	const struct store_version *seen, struct trouble *t)
{
	struct store_directory *d = directory_of(s);
	struct stat before;
	bool is_there = fstatat(directory_root(d), path, &before, 0) == 0;
	int rc = seen ? check_seen(d, path, seen, t) : 0;

	if (rc)
		return rc;
	rc = io_replace_file(directory_root(d), path, text, STORE_FILE_MODE, 1);
	if (rc == ERR_ABSENT && !store_make_parent(d, path))
		rc = io_replace_file(directory_root(d), path, text, STORE_FILE_MODE, 1);
	if (!rc && is_there)
		set_apart(d, path, &before);
	return rc ? store_fail_write(d, path, rc, t) : 0;
}

static int store_directory_remove(struct store *s, const char *path, struct trouble *t)
{
	struct store_directory *d = directory_of(s);

	if (unlinkat(directory_root(d), path, 0) == 0)
		return 0;
	return trouble_errno(t, "cannot remove %s from the store %s", path, d->base.name);
}

static int store_directory_list(
	struct store *s, const char *prefix, struct store_listing **out, struct trouble *t)
{
	return directory_listing_open(
		directory_root(directory_of(s)), s->name, prefix, out, t);
}

/* Does a directory before this one lie on the same file system? */
static bool is_flushed_already(const struct store_directory *d, size_t i)
{
	for (size_t other = 0; other < i; other++)
		if (d->fds[other] >= 0 && d->devices[other] == d->devices[i])
			return true;
	return false;
}

static int flush_directory(const struct store_directory *d, size_t i)
{
#ifdef HAVE_SYNCFS
	return is_flushed_already(d, i) ? 0 : syncfs(d->fds[i]);
#else /* the blobs are durable; their names become so with the directory */
	return is_flushed_already(d, i) ? 0 : fsync(d->fds[i]);
#endif
}

static int store_directory_sync(struct store *s, struct trouble *t)
{
	const struct store_directory *d = directory_of(s);

	for (size_t i = 0; i < DIRECTORY_COUNT; i++)
		if (d->fds[i] >= 0 && flush_directory(d, i) != 0)
			return trouble_errno(t, "cannot make %s%s the store %s durable",
				i ? directories[i] : "", i ? " of" : "", s->name);
	return 0;
}

static int store_directory_unsynced_since(struct store *s, int64_t *out)
{
	return unsynced_read(directory_root(directory_of(s)), out);
}

static int store_directory_settle(struct store *s, struct trouble *t)
{
	struct store_directory *d = directory_of(s);
	int rc;

	pthread_mutex_lock(&d->mark_mtx);
	atomic_store(&d->marked, false);
	rc = unsynced_remove(directory_root(d));
	pthread_mutex_unlock(&d->mark_mtx);
	return rc ? trouble_set(t, rc, "cannot remove .unsynced from the store %s: %s",
			    s->name, error_text(rc))
		  : 0;
}

static int store_directory_check_readable(struct store *s, struct trouble *t)
{
	static const char *const paths[] = {
		".", "blobs", "revisions", "tags", "manifest.json"};
	struct store_directory *d = directory_of(s);

	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		struct stat st;

		if (fstatat(directory_root(d), paths[i], &st, 0) == 0 &&
			!(st.st_mode & (S_ISDIR(st.st_mode) ? S_IXGRP | S_IXOTH
							    : S_IRGRP | S_IROTH)))
			return trouble_set(t, ERR_DENIED,
				"%s%s%s can be read by its owner alone, so a web server "
				"that runs as another user answers 403: chmod -R go+rX %s, "
				"and publish under umask 022",
				s->name, i ? "/" : "", i ? paths[i] : "", s->name);
	}
	return 0;
}

static bool is_temporary(const char *name)
{
	size_t size = strlen(name);

	return name[0] == '.' && size > 4 && strcmp(name + size - 4, ".tmp") == 0;
}

/* An empty directory may become a store; one with other things in it is likely a
 * mistake, such as SOURCE and STORE the wrong way round. */
static int check_is_store(struct store_directory *d, bool make, struct trouble *t)
{
	DIR *dir = dir_names_open(directory_root(d), ".", 0);
	struct dirent *e;
	bool found = false, other = false;

	if (!dir)
		return trouble_errno(t, "cannot list the store %s", d->base.name);
	while ((e = dir_names_next(dir))) {
		if (strcmp(e->d_name, "blobs") == 0 || strcmp(e->d_name, LOCK_NAME) == 0)
			found = true;
		else
			other = true;
	}
	closedir(dir);
	d->fresh = !found && !other;
	if (other && !found)
		return trouble_set(t, ERR_INVALID, "%s is not a store and not empty%s",
			d->base.name, make ? ": name a new directory or an empty one" : "");
	if (!make && !found)
		return trouble_set(
			t, ERR_ABSENT, "%s is empty: there is no store", d->base.name);
	return 0;
}

static int store_take_lock(struct store_directory *d, struct trouble *t)
{
	const char *name = d->base.name;

	/* Whoever may write to the store may take its lock. */
	d->lock = openat(directory_root(d), LOCK_NAME,
		O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, STORE_FILE_MODE);
	if (d->lock < 0)
		return trouble_errno(t, "cannot write to the store %s", name);
	d->base.alone = flock(d->lock, LOCK_EX | LOCK_NB) == 0;
	if (d->base.alone)
		return 0;
	if (errno == EWOULDBLOCK)
		return trouble_set(t, ERR_BUSY,
			"the store %s is being written to by another process: wait for "
			"it",
			name);
	return trouble_errno(t, "cannot lock the store %s", name);
}

/* With the lock held, a temporary file is a dead publisher's. */
static void remove_temporaries(const struct store_directory *d, const char *name)
{
	DIR *dir = dir_names_open(directory_root(d), name, 0);
	struct dirent *e;

	while (dir && (e = dir_names_next(dir)))
		if (is_temporary(e->d_name))
			unlinkat(dirfd(dir), e->d_name, 0);
	if (dir)
		closedir(dir);
}

static int make_directories(struct store_directory *d, struct trouble *t)
{
	for (size_t i = 0; i < DIRECTORY_COUNT; i++) {
		if (i &&
			mkdirat(directory_root(d), directories[i], STORE_DIRECTORY_MODE) !=
				0 &&
			errno != EEXIST)
			return trouble_errno(t, "cannot make %s in the store %s",
				directories[i], d->base.name);
		remove_temporaries(d, directories[i]);
	}
	remove_temporaries(d, "tombstones");
	return 0;
}

/* Those to be flushed. */
static int open_directories(struct store_directory *d, struct trouble *t)
{
	for (size_t i = 0; i < DIRECTORY_COUNT; i++) {
		struct stat st;

		if (i)
			d->fds[i] = openat(directory_root(d), directories[i],
				O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (d->fds[i] < 0 || fstat(d->fds[i], &st) != 0)
			return trouble_errno(t, "cannot open %s in the store %s",
				directories[i], d->base.name);
		d->devices[i] = st.st_dev;
	}
	return 0;
}

static int store_open_root(
	struct store_directory *d, enum store_access access_wanted, struct trouble *t)
{
	const char *name = d->base.name;

	d->made = access(name, F_OK) != 0;
	if (access_wanted == STORE_MAKE && io_make_directories(name, STORE_DIRECTORY_MODE))
		return trouble_errno(t, "cannot make the store %s", name);
	d->fds[0] = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->fds[0] < 0 || fstat(d->fds[0], &d->st) != 0)
		return trouble_errno(t, "cannot open the store %s", name);
	d->base.st = &d->st;
	return 0;
}

static int store_open_all(
	struct store_directory *d, enum store_access access_wanted, struct trouble *t)
{
	int rc = store_open_root(d, access_wanted, t);

	if (!rc)
		rc = check_is_store(d, access_wanted == STORE_MAKE, t);
	if (rc || access_wanted == STORE_READ)
		return rc;
	rc = store_take_lock(d, t);
	if (!rc)
		rc = make_directories(d, t);
	return rc ? rc : open_directories(d, t);
}

static const struct store_methods reading = {
	.close = store_directory_close,
	.read = store_directory_read,
	.find_blob = store_directory_find_blob,
	.list = store_directory_list,
	.unsynced_since = store_directory_unsynced_since,
};

static const struct store_methods writing = {
	.close = store_directory_close,
	.read = store_directory_read,
	.find_blob = store_directory_find_blob,
	.put_blob = store_directory_put_blob,
	.put = store_directory_put,
	.remove = store_directory_remove,
	.list = store_directory_list,
	.sync = store_directory_sync,
	.unsynced_since = store_directory_unsynced_since,
	.settle = store_directory_settle,
	.check_readable = store_directory_check_readable,
	.discard = store_directory_discard,
};

int store_directory_open(const char *path, enum store_access access_wanted,
	struct store **out, struct trouble *t)
{
	struct store_directory *d = calloc(1, sizeof *d);
	int rc;

	if (!d)
		return ERR_NO_MEMORY;
	d->base.methods = access_wanted == STORE_READ ? &reading : &writing;
	d->lock = -1;
	for (size_t i = 0; i < DIRECTORY_COUNT; i++)
		d->fds[i] = -1;
	pthread_mutex_init(&d->mark_mtx, NULL);
	d->base.name = strdup(path);
	rc = d->base.name ? store_open_all(d, access_wanted, t) : ERR_NO_MEMORY;
	if (rc)
		store_directory_close(&d->base);
	else
		*out = &d->base;
	return rc;
}
