/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/names.h"
#include "publish/dir_names.h"
#include "publish/hidden_mount.h"
#include "publish/walk.h"

/* A subdirectory to be entered: as it was when it was listed. */
struct subdirectory {
	size_t name; /* in `names` */
	dev_t dev;
	ino_t ino;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	enum ignore_verdict verdict;
};

/* A directory on the way down. */
struct frame {
	size_t path_size;
	enum ignore_verdict verdict;
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

static const char *shown(const struct walker *w)
{
	return w->path[0] != '\0' ? w->path : ".";
}

static int walker_fail(const struct walker *w, int rc, const char *why)
{
	return trouble_set(w->t, rc, "cannot read '%s' in %s: %s%s", shown(w), w->o->source,
		why ? why : error_text(rc),
		rc == ERR_DENIED ? "; publish as a user who may read it, or leave it out "
				   "with --exclude"
				 : "");
}

/* The walk goes on without w->path, if anybody wants it to: never without the root. */
static int walker_leave_out(struct walker *w, int rc, const char *why)
{
	if (rc == ERR_NO_MEMORY || rc == ERR_NO_FILES || !w->o->leave_out ||
		w->path[0] == '\0')
		return walker_fail(w, rc, why);
	return w->o->leave_out(w->ctx, w->path, rc, why);
}

static int walker_errno(void)
{
	return errno == ESTALE || errno == ELOOP ? ERR_ABSENT : error_from_errno(errno);
}

/* Sets w->path to the directory's path and `name`. ERR_LIMIT: then it is the directory's.
 */
static int set_path(struct walker *w, size_t parent_size, const char *name)
{
	size_t size = strlen(name), start = parent_size > 0 ? parent_size + 1 : 0;

	w->path[parent_size] = '\0';
	w->path_size = parent_size;
	if (size > NAME_SIZE_MAX || start + size > PATH_SIZE_MAX)
		return ERR_LIMIT;
	if (parent_size > 0)
		w->path[parent_size] = '/';
	memcpy(w->path + start, name, size + 1);
	w->path_size = start + size;
	return 0;
}

/* What `name` in the directory at hand would be called is longer than a path may be. */
static int walker_leave_out_long(struct walker *w, size_t parent_size, const char *name)
{
	char *path;
	int rc;

	if (!w->o->leave_out)
		return trouble_set(w->t, ERR_LIMIT,
			"a path in %s is longer than %d bytes: '%.200s/...' with '%.255s'",
			w->o->source, PATH_SIZE_MAX, w->path, name);
	if (asprintf(&path, "%.*s/%s", (int)parent_size, w->path, name) < 0)
		return ERR_NO_MEMORY;
	rc = w->o->leave_out(w->ctx, path, ERR_LIMIT, "its path is too long");
	free(path);
	return rc;
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
static uint32_t count_subdirectories(
	struct walker *w, int at, const char *name, enum ignore_verdict verdict)
{
	size_t path_size = w->path_size;
	DIR *dir = dir_names_open(at, name[0] != '\0' ? name : ".", O_NOFOLLOW);
	struct dirent *d;
	uint32_t count = 0;

	while (dir && (d = dir_names_next(dir)))
		if (is_directory(dir, d) &&
			(!w->o->ignore || (!set_path(w, path_size, d->d_name) &&
						  ignore_judge(w->o->ignore, w->path, true,
							  verdict) != IGNORE_LEAVE)))
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

/* What the walk knows of the entry at hand. */
struct looked {
	struct stat st;
	bool hidden;
	enum ignore_verdict verdict;
};

/* w->path is the entry's; the directory's path is its first parent_size bytes. */
static int emit(struct walker *w, size_t parent_size, int at, const struct looked *l)
{
	size_t start = parent_size > 0 ? parent_size + 1 : 0;
	struct walk_entry e = {
		.parent = span_of(w->path, parent_size),
		.name = span_of(w->path + start, w->path_size - start),
		.path = w->path,
		.path_size = w->path_size,
		.dirfd = at,
		.st = l->st,
		.hidden = l->hidden,
		.links = 2,
	};

	if (w->o->links && is_entered(w, &l->st))
		e.links += count_subdirectories(w, at, w->path + start, l->verdict);
	return w->each(w->ctx, &e, w->t);
}

static int frame_add(struct frame *f, const char *name, const struct looked *l)
{
	if (f->count == f->capacity) {
		size_t capacity = f->capacity ? f->capacity * 2 : 8;
		struct subdirectory *items = realloc(f->items, capacity * sizeof *items);

		if (!items)
			return ERR_NO_MEMORY;
		f->items = items;
		f->capacity = capacity;
	}
	f->items[f->count] = (struct subdirectory){
		.name = f->names.size,
		.dev = l->st.st_dev,
		.ino = l->st.st_ino,
		.mode = l->st.st_mode,
		.uid = l->st.st_uid,
		.gid = l->st.st_gid,
		.verdict = l->verdict,
	};
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

/* lstat(2), and what can be known where that is not allowed. */
static int walk_look_at(int at, const char *name, struct looked *l)
{
	int rc;

	l->hidden = false;
	if (fstatat(at, name, &l->st, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	rc = walker_errno();
	if (rc != ERR_DENIED || !hidden_mount(at, name, &l->st))
		return rc;
	l->hidden = true;
	return 0;
}

/* The verdict of the name at hand, whatever it is; IGNORE_TAKE where that depends. */
static enum ignore_verdict judge_name(const struct walker *w, enum ignore_verdict inside)
{
	if (!w->o->ignore ||
		ignore_judge(w->o->ignore, w->path, false, inside) != IGNORE_LEAVE)
		return IGNORE_TAKE;
	return ignore_judge(w->o->ignore, w->path, true, inside);
}

static int list_looked(
	struct walker *w, struct frame *f, int at, const char *name, struct looked *l)
{
	int rc;

	l->verdict = ignore_judge(
		w->o->ignore, w->path, S_ISDIR(l->st.st_mode), f->verdict);
	if (l->verdict == IGNORE_LEAVE)
		return 0;
	if (l->hidden && !w->o->one_file_system)
		return walker_leave_out(w, ERR_DENIED,
			"another user's FUSE mount, which nobody else may enter");
	rc = check_not_store(w, &l->st);
	if (!rc)
		rc = emit(w, f->path_size, at, l);
	if (!rc && is_entered(w, &l->st))
		rc = frame_add(f, name, l);
	return rc == WALK_NOT_TAKEN ? 0 : rc;
}

static int list_entry(struct walker *w, struct frame *f, int at, const char *name)
{
	struct looked l;
	int rc;

	if (set_path(w, f->path_size, name))
		return walker_leave_out_long(w, f->path_size, name);
	if (judge_name(w, f->verdict) == IGNORE_LEAVE)
		return 0;
	rc = walk_look_at(at, name, &l);
	if (rc == ERR_ABSENT)
		return 0;
	return rc ? walker_leave_out(w, rc, NULL) : list_looked(w, f, at, name, &l);
}

static int list_entries(struct walker *w, struct frame *f, DIR *dir)
{
	struct dir_names l = {0};
	int rc = dir_names_read(dir, &l);

	if (rc) { /* what was removed and is still open has no names any more */
		rc = rc == ERR_ABSENT ? 0 : walker_leave_out(w, rc, NULL);
		l.count = 0;
	}
	for (size_t i = 0; !rc && i < l.count; i++)
		rc = list_entry(w, f, dirfd(dir), l.names[i]);
	dir_names_release(&l);
	return rc;
}

static int push_frame(struct walker *w, enum ignore_verdict verdict)
{
	if (w->depth == w->frame_capacity) {
		size_t capacity = w->frame_capacity ? w->frame_capacity * 2 : 16;
		struct frame *frames = realloc(w->frames, capacity * sizeof *frames);

		if (!frames)
			return ERR_NO_MEMORY;
		w->frames = frames;
		w->frame_capacity = capacity;
	}
	w->frames[w->depth++] = (struct frame){
		.path_size = w->path_size, .verdict = verdict};
	return 0;
}

static void pop_frame(struct walker *w)
{
	struct frame *f = &w->frames[--w->depth];

	bytes_release(&f->names);
	free(f->items);
}

/* Another directory has taken the place of the one that was listed. Those who see its
 * names under the other's attributes must be no more, and no fewer, than who could. */
static int open_other(struct walker *w, const struct subdirectory *d, DIR **out)
{
	int at = dir_names_open_beneath(w->o->root, w->path);
	DIR *dir = at >= 0 ? dir_names_open(at, ".", 0) : NULL;
	int rc = dir ? 0 : walker_errno();
	struct stat st;

	if (at >= 0)
		close(at);
	if (!dir)
		return rc;
	if (fstat(dirfd(dir), &st) != 0)
		rc = walker_errno();
	else if (st.st_dev != d->dev || st.st_mode != d->mode || st.st_uid != d->uid ||
		 st.st_gid != d->gid)
		rc = ERR_CHANGED;
	else
		rc = check_not_store(w, &st);
	if (rc)
		closedir(dir);
	else
		*out = dir;
	return rc;
}

/* The directory w->path, which was `d` when its parent was listed. */
static int open_listed(struct walker *w, const struct subdirectory *d, DIR **out)
{
	DIR *dir = dir_names_open(w->o->root, shown(w), O_NOFOLLOW);
	struct stat st;
	int rc = dir ? 0 : walker_errno();

	if (!dir)
		return rc;
	if (fstat(dirfd(dir), &st) != 0)
		rc = walker_errno();
	else if (st.st_dev == d->dev && st.st_ino == d->ino)
		*out = dir;
	else
		rc = ERR_CHANGED;
	if (rc)
		closedir(dir);
	return rc == ERR_CHANGED ? open_other(w, d, out) : rc;
}

static int walker_enter(struct walker *w, const struct subdirectory *d)
{
	DIR *dir = NULL;
	int rc = open_listed(w, d, &dir);

	if (rc == ERR_INVALID) /* the store: it has said so */
		return rc;
	if (!dir)
		return walker_leave_out(w, rc,
			rc == ERR_CHANGED ? "another directory has taken its place" : NULL);
	rc = push_frame(w, d->verdict);
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
		struct subdirectory d;

		if (f->next == f->count) {
			pop_frame(w);
			continue;
		}
		d = f->items[f->next++]; /* a copy: the frames move as they grow */
		rc = set_path(w, f->path_size, (const char *)f->names.data + d.name);
		if (!rc)
			rc = walker_enter(w, &d);
	}
	return rc;
}

static int walk_root(struct walker *w)
{
	struct looked l = {.verdict = IGNORE_TAKE};
	struct subdirectory d = {.verdict = IGNORE_TAKE};
	int rc;

	if (fstat(w->o->root, &l.st) != 0)
		return walker_fail(w, walker_errno(), NULL);
	w->dev = d.dev = l.st.st_dev;
	d.ino = l.st.st_ino;
	rc = check_not_store(w, &l.st);
	if (!rc)
		rc = emit(w, 0, w->o->root, &l);
	return rc ? rc : walker_enter(w, &d);
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
