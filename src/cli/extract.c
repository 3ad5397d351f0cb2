/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/extract.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#ifdef __linux__
#include <sys/sysmacros.h>
#endif
#include <unistd.h>

#include "cli/entry_text.h"
#include "cli/link_table.h"
#include "cli/prefetcher.h"
#include "util/io.h"

#define BLOCK (1u << 20)

struct extract {
	struct reader *reader;
	extract_warn_fn warn;
	void *ctx;
	size_t base_size;  /* of the base's path and the '/' behind it, cut off */
	int root;	   /* descriptor: the destination, or for a file its directory */
	char *single;	   /* a file's new name; NULL for a directory */
	char *parent_path; /* of the parent that is open */
	int parent;
	struct entry_copy *directories;
	size_t directory_count, directory_capacity;
	struct link_table links; /* by paths relative to the destination */
	uint8_t *block;
	uint64_t before;	      /* bytes of the files before this one */
	atomic_uint_fast64_t written; /* the same, and what is done of it */
};

static int oom(struct trouble *t)
{
	return trouble_set(t, ERR_NO_MEMORY, "out of memory");
}

/* "" is the destination itself. */
static const char *relative(const struct extract *x, const char *path)
{
	if (x->single)
		return x->single;
	return strlen(path) <= x->base_size ? "" : path + x->base_size;
}

static int extract_open_root(
	struct extract *x, const char *destination, bool directory, struct trouble *t)
{
	const char *slash;
	char *parent;

	if (directory) {
		if (mkdir(destination, 0700) && errno != EEXIST)
			return trouble_errno(t, "cannot make %s", destination);
		x->root = open(destination, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		return x->root < 0 ? trouble_errno(t, "cannot open %s", destination) : 0;
	}
	slash = strrchr(destination, '/');
	parent = slash ? strndup(destination, (size_t)(slash - destination) + 1)
		       : strdup(".");
	x->single = strdup(slash ? slash + 1 : destination);
	if (!parent || !x->single) {
		free(parent);
		return oom(t);
	}
	x->root = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (x->root < 0)
		trouble_errno(t, "cannot open %s", parent);
	free(parent);
	return x->root < 0 ? t->code : 0;
}

int extract_new(struct reader *r, const char *base, const char *destination,
	extract_warn_fn warn, void *ctx, struct extract **out, struct trouble *t)
{
	struct extract *x = calloc(1, sizeof *x);
	struct entry_copy copy = {0};
	int rc;

	if (!x)
		return oom(t);
	*x = (struct extract){
		.reader = r, .warn = warn, .ctx = ctx, .root = -1, .parent = -1};
	x->base_size = *base ? strlen(base) + 1 : 0;
	x->block = malloc(BLOCK);
	rc = x->block ? reader_find(r, base, &copy, NULL, t) : oom(t);
	if (!rc)
		rc = extract_open_root(
			x, destination, copy.entry.type == ENTRY_DIRECTORY, t);
	entry_copy_release(&copy);
	if (rc)
		extract_free(x);
	else
		*out = x;
	return rc;
}

/* The directory that holds `path` (relative): descends without following symlinks. */
static int extract_open_parent(
	struct extract *x, const char *path, const char **name, struct trouble *t)
{
	const char *slash = strrchr(path, '/');
	size_t size = slash ? (size_t)(slash - path) : 0;
	char *copy, *next;
	int fd, below;

	*name = slash ? slash + 1 : path;
	if (x->parent >= 0 && strlen(x->parent_path) == size &&
		memcmp(x->parent_path, path, size) == 0)
		return 0;
	if (x->parent >= 0)
		close(x->parent);
	free(x->parent_path);
	x->parent = -1;
	x->parent_path = strndup(path, size);
	copy = strndup(path, size);
	fd = copy ? dup(x->root) : -1;
	for (char *at = copy; at && *at && fd >= 0; at = next) {
		next = at + strcspn(at, "/");
		if (*next)
			*next++ = '\0';
		below = openat(fd, at, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		close(fd);
		fd = below;
	}
	free(copy);
	if (fd < 0 || !x->parent_path)
		return trouble_errno(t, "cannot open the directory of %s", path);
	x->parent = fd;
	return 0;
}

/* Links to the first name of the same inode. 1: done; 0: this is the first name. */
static int extract_link(struct extract *x, const struct entry *e, const char *path,
	const char *name, struct trouble *t)
{
	const char *first;

	if (e->links < 2 || e->type == ENTRY_DIRECTORY)
		return 0;
	if (link_table_add(&x->links, e->inode, path, &first))
		return oom(t);
	if (!first)
		return 0;
	if (linkat(x->root, first, x->parent, name, 0))
		return trouble_errno(t, "cannot link %s to %s", path, first);
	return 1;
}

static int fail_read(
	const struct entry *e, int rc, const struct trouble *why, struct trouble *t)
{
	char *path = entry_path_text(e);

	trouble_set(t, rc, "cannot read %.256s: %.700s", path ? path : "",
		why->text[0] ? why->text : error_text(rc));
	free(path);
	return rc;
}

static int write_data(struct extract *x, const struct entry *e, int fd, const char *path,
	struct trouble *t)
{
	struct trouble why = {0};
	uint64_t offset = 0;
	size_t done, since = BLOCK; /* bytes since more was asked for */
	int rc;

	while (offset < e->size) {
		struct piece piece;
		size_t want;

		rc = reader_map(x->reader, e, offset, &piece, &why);
		if (rc)
			return fail_read(e, rc, &why, t);
		want = piece.size < BLOCK ? (size_t)piece.size : BLOCK;
		if (piece.hole) {
			offset += piece.size;
			atomic_store(&x->written, x->before + offset);
			continue;
		}
		if (since >= BLOCK) {
			prefetcher_ahead(x->reader, e, offset);
			since = 0;
		}
		rc = reader_read(x->reader, e, offset, x->block, want, &done, &why);
		if (rc)
			return fail_read(e, rc, &why, t);
		if ((rc = io_pwrite_full(fd, x->block, done, offset)))
			return trouble_set(
				t, rc, "cannot write %s: %s", path, strerror(errno));
		since += done;
		offset += done;
		atomic_store(&x->written, x->before + offset);
	}
	return 0;
}

static int extract_file(struct extract *x, const struct entry *e, const char *path,
	const char *name, struct trouble *t)
{
	int fd = openat(x->parent, name,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int rc;

	if (fd < 0)
		return trouble_errno(t, "cannot make %s", path);
	rc = ftruncate(fd, (off_t)e->size) ? trouble_errno(t, "cannot size %s", path) : 0;
	if (!rc)
		rc = write_data(x, e, fd, path, t);
	if (!rc)
		extract_attributes_fd(fd, e, path, x->warn, x->ctx);
	if (close(fd) && !rc)
		rc = trouble_errno(t, "cannot write %s", path);
	if (rc)
		unlinkat(x->parent, name, 0); /* nothing half-written is left */
	return rc;
}

static int extract_special(struct extract *x, const struct entry *e, const char *path,
	const char *name, struct trouble *t)
{
	struct trouble skipped;
	char *target;
	int failed;

	if (e->type == ENTRY_SYMLINK) {
		target = span_to_string(e->target);
		failed = target ? symlinkat(target, x->parent, name) : -1;
		free(target);
	} else {
		failed = mknodat(x->parent, name, entry_st_mode(e) & ~07777u,
			makedev(e->major, e->minor));
		if (failed && errno == EPERM && geteuid() != 0) {
			trouble_set(&skipped, ERR_DENIED,
				"%s: only root can make a %s, left out", path,
				type_text(e->type));
			x->warn(x->ctx, &skipped);
			return 0;
		}
	}
	if (failed)
		return trouble_errno(t, "cannot make the %s %s", type_text(e->type), path);
	extract_attributes_at(x->parent, name, e, path, x->warn, x->ctx);
	return 0;
}

static int extract_directory(struct extract *x, const struct entry *e, const char *path,
	const char *name, struct trouble *t)
{
	struct entry_copy *grown;

	if (*path && mkdirat(x->parent, name, 0700) && errno != EEXIST)
		return trouble_errno(t, "cannot make the directory %s", path);
	if (x->directory_count == x->directory_capacity) {
		x->directory_capacity = x->directory_capacity * 2 + 64;
		grown = realloc(x->directories, x->directory_capacity * sizeof *grown);
		if (!grown)
			return oom(t);
		x->directories = grown;
	}
	if (entry_copy(e, &x->directories[x->directory_count]))
		return oom(t);
	x->directory_count++;
	return 0;
}

uint64_t extract_written(const struct extract *x)
{
	return atomic_load(&x->written);
}

int extract_entry(struct extract *x, const struct entry *e, struct trouble *t)
{
	char *full = entry_path_text(e);
	const char *path, *name;
	int rc;

	if (!full)
		return oom(t);
	path = relative(x, full);
	rc = extract_open_parent(x, path, &name, t);
	if (!rc && e->type == ENTRY_DIRECTORY)
		rc = extract_directory(x, e, path, name, t);
	else if (!rc && (rc = extract_link(x, e, path, name, t)) == 0)
		rc = e->type == ENTRY_FILE ? extract_file(x, e, path, name, t)
					   : extract_special(x, e, path, name, t);
	if (e->type == ENTRY_FILE)
		x->before += e->size;
	atomic_store(&x->written, x->before);
	free(full);
	return rc == 1 ? 0 : rc;
}

static int extract_finish_directory(
	struct extract *x, const struct entry *e, const char *path, struct trouble *t)
{
	const char *name;
	int fd, rc = extract_open_parent(x, path, &name, t);

	if (rc)
		return rc;
	if (*name)
		fd = openat(
			x->parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	else
		fd = dup(x->root);
	if (fd < 0)
		return trouble_errno(t, "cannot open the directory %s", path);
	extract_attributes_fd(fd, e, path, x->warn, x->ctx);
	close(fd);
	return 0;
}

int extract_finish(struct extract *x, struct trouble *t)
{
	int rc = 0;

	for (size_t i = x->directory_count; !rc && i-- > 0;) {
		const struct entry *e = &x->directories[i].entry;
		char *full = entry_path_text(e);

		rc = full ? extract_finish_directory(x, e, relative(x, full), t) : oom(t);
		free(full);
	}
	return rc;
}

void extract_free(struct extract *x)
{
	if (!x)
		return;
	for (size_t i = 0; i < x->directory_count; i++)
		entry_copy_release(&x->directories[i]);
	link_table_release(&x->links);
	if (x->parent >= 0)
		close(x->parent);
	if (x->root >= 0)
		close(x->root);
	free(x->parent_path);
	free(x->directories);
	free(x->single);
	free(x->block);
	free(x);
}
