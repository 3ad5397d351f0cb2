/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/names.h"
#include "publish/dir_names.h"
#include "publish/walk.h"

/* A subdirectory to be entered: as it was when it was listed. */
struct subdirectory {
	size_t name; /* in `names` */
	dev_t dev;
	ino_t ino;
};

/* A directory on the way down. */
struct frame {
	size_t path_size;
	struct bytes names; /* of the subdirectories, each with a NUL */
	struct subdirectory *items;
	size_t count, capacity, next;
};

struct walker {
	const struct walk_options *o;
	walk_fn each;
	void *ctx;
	struct trouble *t;
	dev_t dev;		      /* of the root */
	char path[PATH_SIZE_MAX + 2]; /* of the directory at hand, then of its entry */
	size_t path_size;
	struct frame *frames;
	size_t depth, frame_capacity;
};

bool walk_excluded(const char *const *patterns, const char *path)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;

	for (; patterns && *patterns; patterns++) {
		const char *pattern = **patterns == '/' ? *patterns + 1 : *patterns;

		if (fnmatch(pattern, path, FNM_PATHNAME) == 0)
			return true;
		if (pattern == *patterns && fnmatch(pattern, base, 0) == 0)
			return true;
	}
	return false;
}

static const char *shown(const struct walker *w)
{
	return w->path[0] != '\0' ? w->path : ".";
}

static int walker_fail(const struct walker *w, const char *what)
{
	if (errno == EACCES || errno == EPERM)
		return trouble_set(w->t, ERR_DENIED,
			"%s '%s' in %s: %s; publish as a user who may read it, or leave it "
			"out with --exclude",
			what, shown(w), w->o->source, strerror(errno));
	return trouble_errno(w->t, "%s '%s' in %s", what, shown(w), w->o->source);
}

static int walker_fail_changed(const struct walker *w)
{
	return trouble_set(w->t, ERR_CHANGED,
		"'%s' in %s was moved or removed while it was published; try again",
		shown(w), w->o->source);
}

/* Sets w->path to the directory's path and `name`. ERR_LIMIT names what is too long. */
static int set_path(struct walker *w, size_t parent_size, const char *name)
{
	size_t size = strlen(name), start = parent_size > 0 ? parent_size + 1 : 0;

	w->path[parent_size] = '\0';
	if (size > NAME_SIZE_MAX || start + size > PATH_SIZE_MAX)
		return trouble_set(w->t, ERR_LIMIT,
			"a path in %s is longer than %d bytes: '%.200s/...' with '%.255s'",
			w->o->source, PATH_SIZE_MAX, w->path, name);
	if (parent_size > 0)
		w->path[parent_size] = '/';
	memcpy(w->path + start, name, size + 1);
	w->path_size = start + size;
	return 0;
}

static bool is_directory(DIR *dir, const struct dirent *d)
{
	struct stat st;

#ifdef DT_UNKNOWN
	if (d->d_type != DT_UNKNOWN)
		return d->d_type == DT_DIR;
#endif
	return fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode);
}

/* Subdirectories of the entry at hand that the walk will list. An unreadable directory
 * is reported when it is entered. */
static uint32_t count_subdirectories(struct walker *w, int at, const char *name)
{
	size_t path_size = w->path_size;
	DIR *dir = dir_names_open(at, name[0] != '\0' ? name : ".", O_NOFOLLOW);
	struct dirent *d;
	uint32_t count = 0;

	while (dir && (d = dir_names_next(dir)))
		if (is_directory(dir, d) &&
			(!w->o->exclude || (!set_path(w, path_size, d->d_name) &&
						   !walk_excluded(w->o->exclude, w->path))))
			count++;
	w->path[path_size] = '\0';
	w->path_size = path_size;
	if (dir)
		closedir(dir);
	return count;
}

static bool is_entered(const struct walker *w, const struct stat *st)
{
	const struct stat *closed = w->o->closed;

	if (!S_ISDIR(st->st_mode) || (w->o->one_file_system && st->st_dev != w->dev))
		return false;
	return !closed || st->st_dev != closed->st_dev || st->st_ino != closed->st_ino;
}

/* w->path is the entry's; the directory's path is its first parent_size bytes. */
static int emit(struct walker *w, size_t parent_size, int at, const struct stat *st)
{
	size_t start = parent_size > 0 ? parent_size + 1 : 0;
	struct walk_entry e = {
		.parent = span_of(w->path, parent_size),
		.name = span_of(w->path + start, w->path_size - start),
		.path = w->path,
		.path_size = w->path_size,
		.dirfd = at,
		.st = *st,
		.links = 2,
	};

	if (w->o->links && is_entered(w, st))
		e.links += count_subdirectories(w, at, w->path + start);
	return w->each(w->ctx, &e, w->t);
}

static int frame_add(struct frame *f, const char *name, const struct stat *st)
{
	if (f->count == f->capacity) {
		size_t capacity = f->capacity ? f->capacity * 2 : 8;
		struct subdirectory *items = realloc(f->items, capacity * sizeof *items);

		if (!items)
			return ERR_NO_MEMORY;
		f->items = items;
		f->capacity = capacity;
	}
	f->items[f->count] = (struct subdirectory){f->names.size, st->st_dev, st->st_ino};
	if (bytes_append(&f->names, name, strlen(name) + 1))
		return ERR_NO_MEMORY;
	f->count++;
	return 0;
}

static int check_not_store(const struct walker *w, const struct stat *st)
{
	const struct stat *store = w->o->store;

	if (!store || st->st_dev != store->st_dev || st->st_ino != store->st_ino)
		return 0;
	return trouble_set(w->t, ERR_INVALID,
		"the store lies inside the source, at '%s': put it elsewhere or leave it "
		"out with --exclude",
		shown(w));
}

static int list_entry(struct walker *w, struct frame *f, int at, const char *name)
{
	struct stat st;
	int rc = set_path(w, f->path_size, name);

	if (rc)
		return rc;
	if (walk_excluded(w->o->exclude, w->path))
		return 0;
	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? 0
				       : walker_fail(w, "cannot read the attributes of");
	rc = check_not_store(w, &st);
	if (!rc)
		rc = emit(w, f->path_size, at, &st);
	if (!rc && is_entered(w, &st))
		rc = frame_add(f, name, &st);
	return rc;
}

static int list_entries(struct walker *w, struct frame *f, DIR *dir)
{
	struct dir_names l = {0};
	int rc = dir_names_read(dir, &l);

	if (rc)
		rc = walker_fail(w, "cannot list");
	for (size_t i = 0; !rc && i < l.count; i++)
		rc = list_entry(w, f, dirfd(dir), l.names[i]);
	dir_names_release(&l);
	return rc;
}

static int push_frame(struct walker *w)
{
	if (w->depth == w->frame_capacity) {
		size_t capacity = w->frame_capacity ? w->frame_capacity * 2 : 16;
		struct frame *frames = realloc(w->frames, capacity * sizeof *frames);

		if (!frames)
			return ERR_NO_MEMORY;
		w->frames = frames;
		w->frame_capacity = capacity;
	}
	w->frames[w->depth++] = (struct frame){.path_size = w->path_size};
	return 0;
}

static void pop_frame(struct walker *w)
{
	struct frame *f = &w->frames[--w->depth];

	bytes_release(&f->names);
	free(f->items);
}

/* Lists the directory w->path, which was `dev` and `ino` when its parent was listed. */
static int walker_enter(struct walker *w, dev_t dev, ino_t ino)
{
	DIR *dir = dir_names_open(w->o->root, shown(w), O_NOFOLLOW);
	struct stat st;
	int rc;

	if (!dir) {
		bool gone = errno == ENOENT || errno == ENOTDIR || errno == ELOOP;

		return gone ? walker_fail_changed(w) : walker_fail(w, "cannot open");
	}
	if (fstat(dirfd(dir), &st) != 0)
		rc = walker_fail(w, "cannot read the attributes of");
	else if (st.st_dev != dev || st.st_ino != ino)
		rc = walker_fail_changed(w);
	else
		rc = push_frame(w);
	if (!rc)
		rc = list_entries(w, &w->frames[w->depth - 1], dir);
	closedir(dir);
	return rc;
}

static int descend(struct walker *w)
{
	int rc = 0;

	while (!rc && w->depth > 0) {
		struct frame *f = &w->frames[w->depth - 1];
		struct subdirectory *d;

		if (f->next == f->count) {
			pop_frame(w);
			continue;
		}
		d = &f->items[f->next++];
		rc = set_path(w, f->path_size, (const char *)f->names.data + d->name);
		if (!rc)
			rc = walker_enter(w, d->dev, d->ino);
	}
	return rc;
}

static int walk_root(struct walker *w)
{
	struct stat st;
	int rc;

	if (fstat(w->o->root, &st) != 0)
		return walker_fail(w, "cannot read the attributes of");
	w->dev = st.st_dev;
	rc = check_not_store(w, &st);
	if (!rc)
		rc = emit(w, 0, w->o->root, &st);
	if (!rc)
		rc = walker_enter(w, st.st_dev, st.st_ino);
	return rc;
}

int walk(const struct walk_options *options, walk_fn each, void *ctx, struct trouble *t)
{
	struct walker *w = calloc(1, sizeof *w);
	int rc;

	if (!w)
		return ERR_NO_MEMORY;
	w->o = options;
	w->each = each;
	w->ctx = ctx;
	w->t = t;
	rc = walk_root(w);
	if (!rc)
		rc = descend(w);
	while (w->depth > 0)
		pop_frame(w);
	free(w->frames);
	free(w);
	return rc;
}
