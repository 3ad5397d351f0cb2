/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "format/tag.h"
#include "publish/dir_names.h"
#include "publish/store.h"
#include "util/io.h"

#define LOCK_NAME ".lock"

struct store {
	char *path;
	int fd;
	int lock;
	struct stat st;
	bool made;	    /* the directory was not there before */
	bool fresh;	    /* nor was anything in it */
	atomic_uint serial; /* of temporary names */
};

static const char *const directories[] = {"blobs", "revisions", "tags"};
#define DIRECTORY_COUNT (sizeof directories / sizeof directories[0])

const struct stat *store_stat(const struct store *s)
{
	return &s->st;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	if (s->lock >= 0)
		close(s->lock); /* and with it the lock */
	if (s->fd >= 0)
		close(s->fd);
	free(s->path);
	free(s);
}

void store_discard(struct store *s)
{
	if (!s || !s->fresh || unlinkat(s->fd, "blobs", AT_REMOVEDIR) != 0)
		return;
	for (size_t i = 1; i < DIRECTORY_COUNT; i++)
		unlinkat(s->fd, directories[i], AT_REMOVEDIR);
	unlinkat(s->fd, LOCK_NAME, 0);
	if (s->made)
		rmdir(s->path);
}

static bool is_temporary(const char *name)
{
	size_t size = strlen(name);

	return name[0] == '.' && size > 4 && strcmp(name + size - 4, ".tmp") == 0;
}

/* An empty directory may become a store; one with other things in it is likely a
 * mistake, such as SOURCE and STORE the wrong way round. */
static int check_is_store(struct store *s, struct trouble *t)
{
	DIR *dir = dir_names_open(s->fd, ".", 0);
	struct dirent *d;
	bool found = false, other = false;

	if (!dir)
		return trouble_errno(t, "cannot list the store %s", s->path);
	while ((d = dir_names_next(dir))) {
		if (strcmp(d->d_name, "blobs") == 0 || strcmp(d->d_name, LOCK_NAME) == 0)
			found = true;
		else
			other = true;
	}
	closedir(dir);
	s->fresh = !found && !other;
	if (other && !found)
		return trouble_set(t, ERR_INVALID,
			"%s is not a store and not empty: name a new directory or an "
			"empty one",
			s->path);
	return 0;
}

static int store_take_lock(struct store *s, struct trouble *t)
{
	s->lock = openat(s->fd, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lock < 0)
		return trouble_errno(t, "cannot write to the store %s", s->path);
	if (flock(s->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return trouble_set(t, ERR_BUSY,
			"the store %s is being published to by another process: wait "
			"for it",
			s->path);
	return trouble_errno(t, "cannot lock the store %s", s->path);
}

/* With the lock held, a temporary file is a dead publisher's. */
static void remove_temporaries(const struct store *s, const char *name)
{
	DIR *dir = dir_names_open(s->fd, name, 0);
	struct dirent *d;

	while (dir && (d = dir_names_next(dir)))
		if (is_temporary(d->d_name))
			unlinkat(dirfd(dir), d->d_name, 0);
	if (dir)
		closedir(dir);
}

static int make_directories(struct store *s, struct trouble *t)
{
	for (size_t i = 0; i < DIRECTORY_COUNT; i++) {
		if (mkdirat(s->fd, directories[i], STORE_DIRECTORY_MODE) != 0 &&
			errno != EEXIST)
			return trouble_errno(t, "cannot make %s in the store %s",
				directories[i], s->path);
		remove_temporaries(s, directories[i]);
	}
	remove_temporaries(s, ".");
	return 0;
}

static int store_open_root(struct store *s, struct trouble *t)
{
	int rc;

	s->made = access(s->path, F_OK) != 0;
	rc = io_make_directories(s->path, STORE_DIRECTORY_MODE);
	if (rc)
		return trouble_errno(t, "cannot make the store %s", s->path);
	s->fd = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->fd < 0 || fstat(s->fd, &s->st) != 0)
		return trouble_errno(t, "cannot open the store %s", s->path);
	return 0;
}

int store_open(const char *path, struct store **out, struct trouble *t)
{
	struct store *s = calloc(1, sizeof *s);
	int rc = ERR_NO_MEMORY;

	if (!s)
		return ERR_NO_MEMORY;
	s->fd = s->lock = -1;
	s->path = strdup(path);
	if (!s->path)
		goto out;
	rc = store_open_root(s, t);
	if (rc)
		goto out;
	rc = check_is_store(s, t);
	if (rc)
		goto out;
	rc = store_take_lock(s, t);
	if (!rc)
		rc = make_directories(s, t);
out:
	if (rc)
		store_close(s);
	else
		*out = s;
	return rc;
}

static int fail_write(const struct store *s, const char *path, int rc, struct trouble *t)
{
	return trouble_set(t, rc, "cannot write %s in the store %s: %s%s", path, s->path,
		error_text(rc),
		rc == ERR_NO_SPACE ? "; make room and publish again: it goes on where it "
				     "stopped"
				   : "");
}

int store_find_blob(struct store *s, const struct digest *name, struct stored *out)
{
	return stored_blob_find(s->fd, name, out);
}

int store_read_blob(struct store *s, struct blob_codec *codec, const struct digest *name,
	struct bytes *content)
{
	return stored_blob_read(s->fd, codec, name, content);
}

int store_write_blob(
	struct store *s, const struct digest *name, struct span stored, struct trouble *t)
{
	unsigned serial = atomic_fetch_add(&s->serial, 1);
	int rc = stored_blob_write(s->fd, name, stored, serial);
	char path[BLOB_PATH_SIZE];

	if (!rc)
		return 0;
	blob_path(name, path);
	return fail_write(s, path, rc, t);
}

int store_sync(struct store *s, struct trouble *t)
{
#ifdef HAVE_SYNCFS
	if (syncfs(s->fd) != 0)
#else /* the blobs are durable; their names become so with the directory */
	if (fsync(s->fd) != 0)
#endif
		return trouble_errno(t, "cannot make the store %s durable", s->path);
	return 0;
}

int store_read_manifest(
	struct store *s, struct bytes *text, struct manifest **out, struct trouble *t)
{
	struct trouble why = {0};
	int rc = io_read_file(s->fd, "manifest.json", MANIFEST_SIZE_MAX, text);

	if (rc == ERR_ABSENT)
		return rc;
	if (rc)
		return trouble_set(t, rc, "cannot read manifest.json in the store %s: %s",
			s->path, error_text(rc));
	rc = manifest_decode(span_of_bytes(text), out, &why);
	if (rc)
		return trouble_set(t, rc,
			"manifest.json in the store %s cannot be used: %.400s; put the "
			"newest good "
			"file of revisions/ in its place, or publish to a new store",
			s->path, why.text[0] != '\0' ? why.text : error_text(rc));
	return 0;
}

/* nginx, among others, makes an entity tag of a file's size and the second that it was
 * written in: a client that saw the one before must not take this one for it. */
static void set_apart(struct store *s, const char *path, const struct stat *before)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {before->st_mtime + 1, 0}};
	struct stat now;

	if (fstatat(s->fd, path, &now, 0) == 0 && now.st_mtime <= before->st_mtime)
		(void)utimensat(s->fd, path, times, 0);
}

static int replace(struct store *s, const char *path, struct span text, struct trouble *t)
{
	struct stat before;
	bool is_there = fstatat(s->fd, path, &before, 0) == 0;
	int rc = io_replace_file(s->fd, path, text, STORE_FILE_MODE, 1);

	if (!rc && is_there)
		set_apart(s, path, &before);
	return rc ? fail_write(s, path, rc, t) : 0;
}

int store_write_manifest(
	struct store *s, uint64_t revision, struct span text, struct trouble *t)
{
	char path[64];
	int rc;

	snprintf(path, sizeof path, "revisions/%llu.json", (unsigned long long)revision);
	rc = replace(s, path, text, t);
	return rc ? rc : replace(s, "manifest.json", text, t);
}

int store_write_tag(struct store *s, const char *tag, struct span text, struct trouble *t)
{
	char path[TAG_NAME_MAX + 16];

	if (tag_name_check(tag))
		return ERR_INVALID;
	snprintf(path, sizeof path, "tags/%s.json", tag);
	return replace(s, path, text, t);
}
