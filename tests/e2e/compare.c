/* SPDX-License-Identifier: MIT */
/*
 * compare SOURCE MOUNT: walks both trees side by side and prints every difference in
 * names, types, permissions, owners, sizes, times, link counts and hard-link groups,
 * devices, link targets, extended attributes, holes and bytes. Exit status 0: none.
 *
 * Goes down by openat(2), so that paths may be as long as they like.
 */
#include <config.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/types.h>
#ifdef HAVE_SYS_XATTR_H
#include <sys/xattr.h>
#endif
#ifdef __linux__
#include <sys/sysmacros.h>
#endif
#include <unistd.h>

#define BUFFER_SIZE (128 << 10)
#define HOLE_ALIGNMENT 4096 /* smaller holes need not be kept */
#define REPORTS_MAX 50	    /* differences that are printed; all are counted */

enum { SOURCE, MOUNT, SIDES };

/* Two names, one on each side, of something that has several. */
struct link {
	dev_t dev[SIDES];
	ino_t ino[SIDES];
	nlink_t nlink[SIDES];
	char *path;
};

struct compare {
	bool ignore_owner;
	bool ignore_holes;
	uint64_t differences, entries, bytes;
	struct link *links;
	size_t link_count, link_capacity;
	char *path; /* of the entry under comparison, relative */
	size_t path_size, path_capacity;
	uint8_t buffer[SIDES][BUFFER_SIZE];
};

/* One entry on both sides: the open parents, the name, what stat said. */
struct pair {
	int parent[SIDES];
	const char *name;
	struct stat st[SIDES];
};

static void *must(void *memory)
{
	if (!memory) {
		perror("compare");
		exit(3);
	}
	return memory;
}

static void print_escaped(const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if (c < ' ' || c == '\\' || c > '~')
			printf("\\%03o", c);
		else
			putchar(c);
	}
}

static void differ(struct compare *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void differ(struct compare *c, const char *fmt, ...)
{
	va_list args;

	if (c->differences++ >= REPORTS_MAX)
		return;
	print_escaped(c->path_size ? c->path : ".");
	fputs(": ", stdout);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
}

static void path_push(struct compare *c, const char *name)
{
	size_t size = strlen(name);

	if (c->path_size + size + 2 > c->path_capacity) {
		c->path_capacity = 2 * (c->path_size + size + 2);
		c->path = must(realloc(c->path, c->path_capacity));
	}
	if (c->path_size)
		c->path[c->path_size++] = '/';
	memcpy(c->path + c->path_size, name, size + 1);
	c->path_size += size;
}

static void path_cut(struct compare *c, size_t size)
{
	c->path_size = size;
	c->path[size] = '\0';
}

/* Attributes */

static void compare_number(
	struct compare *c, const char *what, uint64_t source, uint64_t mount)
{
	if (source != mount)
		differ(c, "%s %llu, should be %llu", what, (unsigned long long)mount,
			(unsigned long long)source);
}

static void compare_stat(struct compare *c, const struct stat *s, const struct stat *m)
{
	if ((s->st_mode & 07777) != (m->st_mode & 07777))
		differ(c, "mode %04o, should be %04o", (unsigned)(m->st_mode & 07777),
			(unsigned)(s->st_mode & 07777));
	if (!c->ignore_owner) {
		compare_number(c, "uid", s->st_uid, m->st_uid);
		compare_number(c, "gid", s->st_gid, m->st_gid);
	}
	if (s->st_mtim.tv_sec != m->st_mtim.tv_sec ||
		s->st_mtim.tv_nsec != m->st_mtim.tv_nsec)
		differ(c, "mtime %lld.%09ld, should be %lld.%09ld",
			(long long)m->st_mtim.tv_sec, m->st_mtim.tv_nsec,
			(long long)s->st_mtim.tv_sec, s->st_mtim.tv_nsec);
	if (!S_ISDIR(s->st_mode))
		compare_number(c, "size", (uint64_t)s->st_size, (uint64_t)m->st_size);
	if (S_ISCHR(s->st_mode) || S_ISBLK(s->st_mode)) {
		compare_number(c, "major", major(s->st_rdev), major(m->st_rdev));
		compare_number(c, "minor", minor(s->st_rdev), minor(m->st_rdev));
	}
}

static void compare_target(struct compare *c, const struct pair *p)
{
	ssize_t size[SIDES];

	for (int i = 0; i < SIDES; i++) {
		size[i] = readlinkat(
			p->parent[i], p->name, (char *)c->buffer[i], BUFFER_SIZE);
		if (size[i] < 0) {
			differ(c, "readlink: %s", strerror(errno));
			return;
		}
	}
	if (size[SOURCE] != size[MOUNT] ||
		memcmp(c->buffer[SOURCE], c->buffer[MOUNT], (size_t)size[SOURCE]) != 0)
		differ(c, "another link target");
}

/* Extended attributes: looked up by name from within the parent, so paths stay short. */

#ifdef HAVE_SYS_XATTR_H
static bool xattr_matters(const char *name)
{
	return strcmp(name, "security.selinux") != 0;
}

static bool xattr_named(const char *names, ssize_t size, const char *name)
{
	for (const char *n = names; n < names + size; n += strlen(n) + 1)
		if (strcmp(n, name) == 0)
			return true;
	return false;
}

static ssize_t xattr_get(
	struct compare *c, const struct pair *p, int side, const char *name)
{
	if (fchdir(p->parent[side]) != 0)
		return -1;
	return lgetxattr(p->name, name, c->buffer[side], BUFFER_SIZE);
}

static void compare_xattr(struct compare *c, const struct pair *p, const char *name)
{
	ssize_t source = xattr_get(c, p, SOURCE, name);
	ssize_t mount = xattr_get(c, p, MOUNT, name);

	if (mount < 0)
		differ(c, "xattr %s: %s", name, strerror(errno));
	else if (source != mount ||
		 memcmp(c->buffer[SOURCE], c->buffer[MOUNT], (size_t)source) != 0)
		differ(c, "xattr %s has another value", name);
}

static void compare_xattrs(struct compare *c, const struct pair *p)
{
	static char names[SIDES][BUFFER_SIZE];
	ssize_t size[SIDES];

	for (int i = 0; i < SIDES; i++) {
		size[i] = fchdir(p->parent[i]) != 0
				  ? -1
				  : llistxattr(p->name, names[i], BUFFER_SIZE);
		if (size[i] >= 0)
			continue;
		if (errno != ENOTSUP) {
			differ(c, "listxattr: %s", strerror(errno));
			return;
		}
		size[i] = 0;
	}
	for (const char *n = names[SOURCE]; n < names[SOURCE] + size[SOURCE];
		n += strlen(n) + 1)
		if (xattr_matters(n))
			compare_xattr(c, p, n);
	for (const char *n = names[MOUNT]; n < names[MOUNT] + size[MOUNT];
		n += strlen(n) + 1)
		if (xattr_matters(n) && !xattr_named(names[SOURCE], size[SOURCE], n))
			differ(c, "xattr %s is only in the mount", n);
}
#else
static void compare_xattrs(struct compare *c, const struct pair *p)
{
	(void)c;
	(void)p;
}
#endif

/* Contents and holes */

#ifdef SEEK_HOLE
/* Where the data that lies at or after `offset` begins; the end when there is none. */
static off_t seek_data(int fd, off_t offset, off_t end)
{
	off_t at = lseek(fd, offset, SEEK_DATA);
	return at < 0 ? (errno == ENXIO ? end : offset) : at;
}

static off_t seek_hole(int fd, off_t offset, off_t end)
{
	off_t at = lseek(fd, offset, SEEK_HOLE);
	return at < 0 ? end : at;
}

/* Every hole of the source that is long enough is a hole in the mount too. */
static void compare_holes(struct compare *c, const int fd[SIDES], off_t end)
{
	off_t hole = seek_hole(fd[SOURCE], 0, end);

	while (hole < end) {
		off_t data = seek_data(fd[SOURCE], hole, end);
		off_t first = (hole + HOLE_ALIGNMENT - 1) / HOLE_ALIGNMENT * HOLE_ALIGNMENT;
		off_t last = data == end ? end : data / HOLE_ALIGNMENT * HOLE_ALIGNMENT;
		if (last - first >= HOLE_ALIGNMENT &&
			seek_data(fd[MOUNT], first, end) < last) {
			differ(c, "no hole from %lld to %lld", (long long)first,
				(long long)last);
			return;
		}
		hole = seek_hole(fd[SOURCE], data, end);
	}
}

/* The run of bytes at or after `offset` that is data on either side. */
static bool next_run(const int fd[SIDES], off_t offset, off_t end, off_t *from, off_t *to)
{
	*from = end;
	for (int i = 0; i < SIDES; i++) {
		off_t data = seek_data(fd[i], offset, end);
		if (data < *from)
			*from = data;
	}
	if (*from >= end)
		return false;
	*to = *from;
	for (int i = 0; i < SIDES; i++) {
		off_t hole = seek_hole(fd[i], *from, end);
		if (hole > *to)
			*to = hole;
	}
	return true;
}
#else
static void compare_holes(struct compare *c, const int fd[SIDES], off_t end)
{
	(void)c;
	(void)fd;
	(void)end;
}

static bool next_run(const int fd[SIDES], off_t offset, off_t end, off_t *from, off_t *to)
{
	(void)fd;
	*from = offset;
	*to = end;
	return offset < end;
}
#endif

/* Reads `size` bytes on both sides: false, and said, when they differ. */
static bool compare_block(struct compare *c, const int fd[SIDES], off_t offset, size_t size)
{
	for (int i = 0; i < SIDES; i++) {
		size_t done = 0;
		while (done < size) {
			ssize_t n = pread(fd[i], c->buffer[i] + done, size - done,
				offset + (off_t)done);
			if (n <= 0) {
				differ(c, "%s: read at %lld: %s",
					i == SOURCE ? "source" : "mount",
					(long long)offset + (long long)done,
					n ? strerror(errno) : "unexpected end");
				return false;
			}
			done += (size_t)n;
		}
	}
	c->bytes += size;
	if (memcmp(c->buffer[SOURCE], c->buffer[MOUNT], size) == 0)
		return true;
	for (size_t i = 0; i < size; i++)
		if (c->buffer[SOURCE][i] != c->buffer[MOUNT][i]) {
			differ(c, "content differs at byte %lld",
				(long long)offset + (long long)i);
			break;
		}
	return false;
}

static void compare_bytes(struct compare *c, const int fd[SIDES], off_t end)
{
	off_t from, to = 0;

	while (next_run(fd, to, end, &from, &to))
		for (off_t at = from; at < to; at += BUFFER_SIZE) {
			size_t size = to - at < BUFFER_SIZE ? (size_t)(to - at)
							    : BUFFER_SIZE;
			if (!compare_block(c, fd, at, size))
				return;
		}
}

static void compare_end(struct compare *c, int fd, off_t end)
{
	uint8_t byte;
	if (pread(fd, &byte, 1, end) != 0)
		differ(c, "there are bytes after the end");
}

static void compare_content(struct compare *c, const struct pair *p)
{
	int fd[SIDES] = {-1, -1};
	off_t end = p->st[SOURCE].st_size;

	if (p->st[MOUNT].st_size != end)
		return; /* said already */
	for (int i = 0; i < SIDES; i++) {
		fd[i] = openat(p->parent[i], p->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (fd[i] < 0) {
			differ(c, "open %s: %s", i == SOURCE ? "source" : "mount",
				strerror(errno));
			goto out;
		}
	}
	if (!c->ignore_holes)
		compare_holes(c, fd, end);
	compare_bytes(c, fd, end);
	compare_end(c, fd[MOUNT], end);
out:
	for (int i = 0; i < SIDES; i++)
		if (fd[i] >= 0)
			close(fd[i]);
}

/* Hard links: remembered while walking, compared as groups at the end. */

static void remember_link(struct compare *c, const struct stat st[SIDES])
{
	struct link *l;

	if (st[SOURCE].st_nlink < 2 && st[MOUNT].st_nlink < 2)
		return;
	if (c->link_count == c->link_capacity) {
		c->link_capacity = 2 * c->link_capacity + 64;
		c->links = must(realloc(c->links, c->link_capacity * sizeof(*c->links)));
	}
	l = &c->links[c->link_count++];
	for (int i = 0; i < SIDES; i++) {
		l->dev[i] = st[i].st_dev;
		l->ino[i] = st[i].st_ino;
		l->nlink[i] = st[i].st_nlink;
	}
	l->path = must(strdup(c->path));
}

static int link_order(const struct link *a, const struct link *b, int side)
{
	if (a->dev[side] != b->dev[side])
		return a->dev[side] < b->dev[side] ? -1 : 1;
	if (a->ino[side] != b->ino[side])
		return a->ino[side] < b->ino[side] ? -1 : 1;
	return 0;
}

static int by_source(const void *a, const void *b)
{
	return link_order(a, b, SOURCE);
}

static int by_mount(const void *a, const void *b)
{
	return link_order(a, b, MOUNT);
}

/* Within a run of equal inodes on one side, the other side's are equal as well. */
static void compare_links(struct compare *c, int side)
{
	if (c->link_count)
		qsort(c->links, c->link_count, sizeof(*c->links),
			side == SOURCE ? by_source : by_mount);
	for (size_t i = 0, next; i < c->link_count; i = next) {
		for (next = i + 1; next < c->link_count &&
				   !link_order(&c->links[i], &c->links[next], side);
			next++) {
			if (link_order(&c->links[i], &c->links[next], !side) == 0)
				continue;
			path_cut(c, 0);
			path_push(c, c->links[next].path);
			differ(c, "%s of another file",
				side == SOURCE ? "is no longer a link" : "became a link");
		}
		path_cut(c, 0);
		path_push(c, c->links[i].path);
		if (side == SOURCE && c->links[i].nlink[MOUNT] != next - i)
			differ(c, "link count %llu, should be %zu",
				(unsigned long long)c->links[i].nlink[MOUNT], next - i);
	}
	path_cut(c, 0);
}

/* The walk */

struct names {
	char **list;
	size_t count, capacity;
};

static int name_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void names_add(struct names *n, const char *name)
{
	if (n->count == n->capacity) {
		n->capacity = 2 * n->capacity + 64;
		n->list = must(realloc(n->list, n->capacity * sizeof(*n->list)));
	}
	n->list[n->count++] = must(strdup(name));
}

static void names_release(struct names *n)
{
	for (size_t i = 0; i < n->count; i++)
		free(n->list[i]);
	free(n->list);
}

static void names_read(struct compare *c, int fd, int side, struct names *n)
{
	DIR *dir = fdopendir(dup(fd));
	struct dirent *entry;

	if (!dir) {
		differ(c, "opendir: %s", strerror(errno));
		return;
	}
	rewinddir(dir);
	errno = 0;
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			names_add(n, entry->d_name);
	if (errno)
		differ(c, "readdir of the %s: %s", side == SOURCE ? "source" : "mount",
			strerror(errno));
	closedir(dir);
	if (n->count)
		qsort(n->list, n->count, sizeof(*n->list), name_order);
}

static void compare_directory(struct compare *c, const int fd[SIDES]);

static void descend(struct compare *c, const struct pair *p)
{
	int fd[SIDES] = {-1, -1};

	for (int i = 0; i < SIDES; i++) {
		fd[i] = openat(p->parent[i], p->name,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd[i] < 0) {
			differ(c, "open: %s", strerror(errno));
			goto out;
		}
	}
	compare_directory(c, fd);
out:
	for (int i = 0; i < SIDES; i++)
		if (fd[i] >= 0)
			close(fd[i]);
}

static void compare_entry(struct compare *c, struct pair *p)
{
	struct stat *s = &p->st[SOURCE], *m = &p->st[MOUNT];

	c->entries++;
	for (int i = 0; i < SIDES; i++)
		if (fstatat(p->parent[i], p->name, &p->st[i], AT_SYMLINK_NOFOLLOW) != 0) {
			differ(c, "stat: %s", strerror(errno));
			return;
		}
	if ((s->st_mode & S_IFMT) != (m->st_mode & S_IFMT)) {
		differ(c, "type %07o, should be %07o", (unsigned)(m->st_mode & S_IFMT),
			(unsigned)(s->st_mode & S_IFMT));
		return;
	}
	compare_stat(c, s, m);
	compare_xattrs(c, p);
	if (S_ISLNK(s->st_mode))
		compare_target(c, p);
	else if (S_ISREG(s->st_mode))
		compare_content(c, p);
	if (S_ISDIR(s->st_mode))
		descend(c, p);
	else
		remember_link(c, p->st);
}

static void compare_directory(struct compare *c, const int fd[SIDES])
{
	struct names names[SIDES] = {0};
	size_t i = 0, j = 0, path_size = c->path_size;

	names_read(c, fd[SOURCE], SOURCE, &names[SOURCE]);
	names_read(c, fd[MOUNT], MOUNT, &names[MOUNT]);
	while (i < names[SOURCE].count || j < names[MOUNT].count) {
		int order = i == names[SOURCE].count ? 1
			    : j == names[MOUNT].count
				    ? -1
				    : strcmp(names[SOURCE].list[i], names[MOUNT].list[j]);
		path_push(c, order <= 0 ? names[SOURCE].list[i] : names[MOUNT].list[j]);
		if (order < 0) {
			differ(c, "is missing from the mount");
		} else if (order > 0) {
			differ(c, "is only in the mount");
		} else {
			struct pair p = {.parent = {fd[SOURCE], fd[MOUNT]},
				.name = names[SOURCE].list[i]};
			compare_entry(c, &p);
		}
		path_cut(c, path_size);
		i += order <= 0;
		j += order >= 0;
	}
	names_release(&names[SOURCE]);
	names_release(&names[MOUNT]);
}

static void compare_trees(struct compare *c, const int root[SIDES])
{
	struct pair p = {.parent = {root[SOURCE], root[MOUNT]}, .name = "."};

	path_push(c, "");
	compare_entry(c, &p);
	compare_links(c, SOURCE);
	compare_links(c, MOUNT);
}

/* A directory is held open at each level of the walk, on both sides. */
static void allow_many_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int use(void)
{
	fputs("use: compare [--ignore-owner] [--ignore-holes] SOURCE MOUNT\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"ignore-owner", no_argument, NULL, 'o'},
		{"ignore-holes", no_argument, NULL, 'h'},
		{0},
	};
	static struct compare c;
	int root[SIDES], letter;

	while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (letter == '?')
			return use();
		c.ignore_owner |= letter == 'o';
		c.ignore_holes |= letter == 'h';
	}
	if (argc - optind != SIDES)
		return use();
	allow_many_files();
	for (int i = 0; i < SIDES; i++) {
		root[i] = open(argv[optind + i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (root[i] < 0) {
			perror(argv[optind + i]);
			return 2;
		}
	}
	compare_trees(&c, root);
	printf("%llu entries, %llu bytes, %llu differences\n",
		(unsigned long long)c.entries, (unsigned long long)c.bytes,
		(unsigned long long)c.differences);
	for (int i = 0; i < SIDES; i++)
		close(root[i]);
	for (size_t i = 0; i < c.link_count; i++)
		free(c.links[i].path);
	free(c.links);
	free(c.path);
	return c.differences != 0;
}
