/* SPDX-License-Identifier: MIT */
/*
 * A tree of many states, and readers who know each of them:
 *
 *	revisions make DIRECTORY N
 *	revisions is MOUNT N
 *	revisions read MOUNT FIRST LATEST-FILE
 *	revisions hold MOUNT
 *
 * `make` brings the directory from any state to state N. `is` compares the whole mount with
 * state N, and asks for every name that another state has. `read` lists and reads until its
 * input ends: each listing, and each file from its open to its end, must be of one state
 * from FIRST to the one that LATEST-FILE says afterwards; it tells how many it compared.
 * `hold` opens and maps a file that changes, stands in a directory that changes, says
 * "held", and looks at the end of its input whether it still has what it began with, and
 * whether its directory shows the newest.
 *
 * A state: `revision` says its number; `steady/` is never changed; in `moving/` names come
 * and go, contents change, and at-N says which it is; sub-K is there in one state of three,
 * and has a directory in it.
 */
#include <config.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEADY 40
#define NAMES 60
#define LARGE 7		  /* of NAMES */
#define LARGE_LINES 20000 /* more than a bundle takes */
#define SUBS 3
#define LINE_SIZE 32

static void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

static void die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fprintf(stderr, "revisions: ");
	vfprintf(stderr, fmt, args);
	fprintf(stderr, "\n");
	va_end(args);
	exit(1);
}

/* What a state has. */

static bool has_name(int i, int n)
{
	return i == LARGE || (i * 7 + n) % 5 != 0;
}

/* The state in which the file's contents were made. */
static int version_of(int i, int n)
{
	int age = (n + i) % 4;

	return n > age ? n - age : 0;
}

static int lines_of(int i)
{
	return i == LARGE ? LARGE_LINES : i % 8 == 0 ? 1000 : 3;
}

static void line_of(int i, int version, char line[LINE_SIZE])
{
	snprintf(line, LINE_SIZE, "name-%02d of %d\n", i, version);
}

/* Making them. */

static void write_lines(const char *path, const char *line, int count)
{
	FILE *f = fopen(path, "w");

	if (!f)
		die("%s: %s", path, strerror(errno));
	for (int i = 0; i < count; i++)
		fputs(line, f);
	if (fclose(f))
		die("%s: %s", path, strerror(errno));
}

static void make_directory(const char *name)
{
	if (mkdir(name, 0755) && errno != EEXIST)
		die("%s: %s", name, strerror(errno));
}

/* Only what changes is written, as people do. */
static void make_name(int i, int n)
{
	char path[64], line[LINE_SIZE], is[LINE_SIZE] = "";
	FILE *f;

	snprintf(path, sizeof path, "moving/name-%02d", i);
	if (!has_name(i, n)) {
		unlink(path);
		return;
	}
	line_of(i, version_of(i, n), line);
	f = fopen(path, "r");
	if (f && !fgets(is, sizeof is, f))
		is[0] = '\0';
	if (f)
		fclose(f);
	if (strcmp(is, line))
		write_lines(path, line, lines_of(i));
}

static void make_at(int n)
{
	DIR *d = opendir("moving");
	char path[64], line[LINE_SIZE];
	struct dirent *e;
	int at;

	while (d && (e = readdir(d)))
		if (sscanf(e->d_name, "at-%d", &at) == 1 && at != n)
			unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	snprintf(path, sizeof path, "moving/at-%d", n);
	snprintf(line, sizeof line, "%d\n", n);
	write_lines(path, line, 1);
	write_lines("revision", line, 1);
}

static void make_subs(int n)
{
	char path[64];

	for (int i = 0; i < SUBS; i++) {
		snprintf(path, sizeof path, "sub-%d/in/file", i);
		if (n % SUBS == i) {
			snprintf(path, sizeof path, "sub-%d", i);
			make_directory(path);
			snprintf(path, sizeof path, "sub-%d/in", i);
			make_directory(path);
			snprintf(path, sizeof path, "sub-%d/in/file", i);
			write_lines(path, path, 1);
		} else {
			unlink(path);
			snprintf(path, sizeof path, "sub-%d/in", i);
			rmdir(path);
			snprintf(path, sizeof path, "sub-%d", i);
			rmdir(path);
		}
	}
}

static void make(const char *directory, int n)
{
	char path[64];

	make_directory(directory);
	if (chdir(directory))
		die("%s: %s", directory, strerror(errno));
	make_directory("steady");
	make_directory("moving");
	for (int i = 0; i < STEADY; i++) {
		snprintf(path, sizeof path, "steady/file-%02d", i);
		if (access(path, F_OK))
			write_lines(path, path, i % 8 ? 20 : 2000);
	}
	for (int i = 0; i < NAMES; i++)
		make_name(i, n);
	make_at(n);
	make_subs(n);
}

/* Reading them. */

struct listing {
	bool names[NAMES];
	int at; /* -1: no at-N */
};

static void list_moving(struct listing *l)
{
	DIR *d = opendir("moving");
	struct dirent *e;
	int i;

	*l = (struct listing){.at = -1};
	if (!d)
		die("moving: %s", strerror(errno));
	while ((errno = 0, e = readdir(d))) {
		if (sscanf(e->d_name, "name-%d", &i) == 1 && i >= 0 && i < NAMES) {
			if (l->names[i])
				die("%s is listed twice", e->d_name);
			l->names[i] = true;
		} else if (sscanf(e->d_name, "at-%d", &i) == 1) {
			if (l->at >= 0)
				die("a listing is of %d and of %d", l->at, i);
			l->at = i;
		} else if (e->d_name[0] != '.') {
			die("%s is of no state", e->d_name);
		}
	}
	if (errno)
		die("moving: %s", strerror(errno));
	closedir(d);
	if (l->at < 0)
		die("a listing is of no state");
}

static void compare_listing(const struct listing *l)
{
	for (int i = 0; i < NAMES; i++)
		if (l->names[i] != has_name(i, l->at))
			die("the listing at %d %s name-%02d", l->at,
				l->names[i] ? "has" : "lacks", i);
}

/* The version of a file that is of one; -1: there is none. `slow`: in small pieces, so that
 * others come between. */
static int read_name(int i, bool slow)
{
	size_t size = (size_t)lines_of(i) * LINE_SIZE, got = 0;
	char path[64], line[LINE_SIZE], *text = malloc(size + 1);
	int fd, version = -1;
	ssize_t n = 0;

	snprintf(path, sizeof path, "moving/name-%02d", i);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		free(text);
		return -1;
	}
	if (fd < 0 || !text)
		die("%s: %s", path, strerror(errno));
	while (got < size && (n = read(fd, text + got,
				      slow && size - got > 9000 ? 9000 : size - got)) > 0)
		got += (size_t)n;
	if (n < 0)
		die("%s at %zu: %s", path, got, strerror(errno));
	close(fd);
	text[got] = '\0';
	if (sscanf(text, "name-%*d of %d", &version) != 1)
		die("%s begins with '%.40s'", path, text);
	line_of(i, version, line);
	if (got != strlen(line) * (size_t)lines_of(i))
		die("%s of %d has %zu bytes", path, version, got);
	for (char *at = text; *at; at += strlen(line))
		if (strncmp(at, line, strlen(line)))
			die("%s is of %d, and at %td has '%.30s'", path, version, at - text,
				at);
	free(text);
	return version;
}

static int read_number(const char *path)
{
	FILE *f = fopen(path, "r");
	int n;

	if (!f || fscanf(f, "%d", &n) != 1)
		die("%s: %s", path, strerror(errno));
	fclose(f);
	return n;
}

static void check_gone(const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0)
		die("%s is of another state", path);
	if (errno != ENOENT)
		die("%s: %s", path, strerror(errno));
}

/* All of state n, and nothing else. */
static void is(int n)
{
	struct listing l;
	struct stat st;
	char path[64];

	if (read_number("revision") != n)
		die("the revision is %d", read_number("revision"));
	for (int turn = 0; turn < 2; turn++) {
		for (int i = 0; i < NAMES; i++) {
			int version = read_name(i, false);

			if (version != (has_name(i, n) ? version_of(i, n) : -1))
				die("name-%02d at %d is of %d", i, n, version);
		}
		list_moving(&l);
		if (l.at != n)
			die("the listing at %d is of %d", n, l.at);
		compare_listing(&l);
	}
	for (int i = 0; i < n + 5; i++) {
		snprintf(path, sizeof path, "moving/at-%d", i);
		if (i != n)
			check_gone(path);
	}
	for (int i = 0; i < SUBS; i++) {
		snprintf(path, sizeof path, "sub-%d/in/file", i);
		if (n % SUBS != i)
			check_gone(path);
		else if (stat(path, &st))
			die("%s: %s", path, strerror(errno));
	}
}

static bool input_ended(void)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};

	return poll(&in, 1, 0) > 0;
}

/* Is there a state from first to last where name i is of that version? */
static bool is_known(int i, int version, int first, int last)
{
	for (int n = first; n <= last; n++)
		if (version == (has_name(i, n) ? version_of(i, n) : -1))
			return true;
	return false;
}

static void read_all(int first, const char *latest)
{
	unsigned long listings = 0, files = 0;
	struct listing l;
	int version, last;

	while (!input_ended()) {
		list_moving(&l);
		last = read_number(latest);
		if (l.at < first || l.at > last)
			die("a listing is of %d, from %d to %d were published", l.at, first,
				last);
		compare_listing(&l);
		listings++;
		for (int i = 0; i < NAMES; i++, files++) {
			version = read_name(i, true);
			last = read_number(latest);
			if (!is_known(i, version, first, last))
				die("name-%02d is of %d, from %d to %d were published", i,
					version, first, last);
		}
		usleep(100000); /* others want the processor, too */
	}
	printf("%lu listings, %lu files\n", listings, files);
}

static void hold(const char *mount)
{
	char path[64], before[LINE_SIZE], after[LINE_SIZE], c, where[4096];
	size_t size;
	struct stat st;
	char *map;
	int fd;

	snprintf(path, sizeof path, "moving/name-%02d", LARGE);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) || pread(fd, before, sizeof before, 0) < 1)
		die("%s: %s", path, strerror(errno));
	size = (size_t)st.st_size;
	before[strcspn(before, "\n") + 1] = '\0';
	map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED || chdir("moving"))
		die("moving: %s", strerror(errno));
	printf("held\n");
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	for (size_t at = 0; at < size; at += strlen(before))
		if (strncmp(map + at, before, strlen(before)))
			die("the map at %zu has '%.30s', not %s", at, map + at, before);
	if (pread(fd, after, strlen(before), st.st_size - (off_t)strlen(before)) < 1 ||
		strncmp(before, after, strlen(before)))
		die("the open file is another");
	if (!getcwd(where, sizeof where) || strncmp(where, mount, strlen(mount)))
		die("the working directory has gone: %s", strerror(errno));
	snprintf(path, sizeof path, "at-%d", read_number("../revision"));
	if (access(path, F_OK))
		die("%s in the working directory: %s", path, strerror(errno));
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "make")) {
		make(argv[2], atoi(argv[3]));
		return 0;
	}
	if (argc < 3 || chdir(argv[2]))
		die("%s: %s", argc < 3 ? "usage" : argv[2], strerror(errno));
	if (argc == 4 && !strcmp(argv[1], "is"))
		is(atoi(argv[3]));
	else if (argc == 5 && !strcmp(argv[1], "read"))
		read_all(atoi(argv[3]), argv[4]);
	else if (argc == 3 && !strcmp(argv[1], "hold"))
		hold(argv[2]);
	else
		die("usage: see the head of its source");
	return 0;
}
