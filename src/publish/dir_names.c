/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/names.h"
#include "publish/dir_names.h"
#include "util/error.h"

DIR *dir_names_open(int dirfd, const char *path, int flags)
{
	int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir && fd >= 0)
		close(fd);
	return dir;
}

#ifdef O_PATH
#define STEP_FLAGS (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#else
#define STEP_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#endif

/* Closes `at`; the descriptor of `name` in it, or -1 and errno. */
static int step_into(int at, const char *name, size_t size)
{
	char copy[NAME_SIZE_MAX + 1];
	int next = -1, saved = ENAMETOOLONG;

	if (size < sizeof copy) {
		memcpy(copy, name, size);
		copy[size] = '\0';
		next = openat(at, copy, STEP_FLAGS);
		saved = errno;
	}
	close(at);
	errno = saved;
	return next;
}

int dir_names_open_beneath(int dirfd, const char *path)
{
	int at = openat(dirfd, ".", STEP_FLAGS);

	while (at >= 0 && *path != '\0') {
		size_t size = strcspn(path, "/");

		at = step_into(at, path, size);
		path += size;
		path += *path == '/';
	}
	return at;
}

static bool is_dots(const char *name)
{
	return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

struct dirent *dir_names_next(DIR *dir)
{
	struct dirent *d;

	do {
		errno = 0;
		d = readdir(dir);
	} while (d && is_dots(d->d_name));
	return d;
}

static int dir_names_compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorts, and drops what a changing directory gave twice. */
static void dir_names_sort(struct dir_names *l)
{
	size_t kept = 0;

	qsort(l->names, l->count, sizeof *l->names, dir_names_compare);
	for (size_t i = 0; i < l->count; i++)
		if (kept == 0 || strcmp(l->names[kept - 1], l->names[i]) != 0)
			l->names[kept++] = l->names[i];
	l->count = kept;
}

static int dir_names_no_memory(void)
{
	errno = ENOMEM;
	return ERR_NO_MEMORY;
}

int dir_names_read(DIR *dir, struct dir_names *out)
{
	struct dirent *d;
	size_t at = 0;

	while ((d = dir_names_next(dir))) {
		if (bytes_append(&out->text, d->d_name, strlen(d->d_name) + 1))
			return dir_names_no_memory();
		out->count++;
	}
	if (errno)
		return error_from_errno(errno);
	out->names = calloc(out->count + 1, sizeof *out->names);
	if (!out->names)
		return dir_names_no_memory();
	for (size_t i = 0; i < out->count; i++) {
		out->names[i] = (const char *)out->text.data + at;
		at += strlen(out->names[i]) + 1;
	}
	dir_names_sort(out);
	return 0;
}

void dir_names_release(struct dir_names *l)
{
	bytes_release(&l->text);
	free(l->names);
	*l = (struct dir_names){0};
}
