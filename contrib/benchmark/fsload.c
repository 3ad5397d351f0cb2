/* SPDX-License-Identifier: MIT */
/*
 * Puts one kind of load on a tree, in one process or several, and prints what it took as
 * a JSON object: seconds, operations, bytes.
 *
 *	fsload list ROOT            readdir and stat of everything below ROOT
 *	fsload stat ROOT LIST       stat of every path in LIST, one relative path a line
 *	fsload read ROOT LIST       open, read to the end and close each of them
 *	fsload sequential ROOT LIST the same in calls of 1 MiB
 *	fsload map ROOT LIST        map each of them and sum it up
 *	fsload random ROOT LIST     pread at random places of the first of them
 *	fsload touch ROOT LIST      map the first and touch random pages
 *	fsload check ROOT LIST      compare each with the same path below -o OTHER
 *
 * Options: -p PROCESSES (paths are dealt out in turn), -n OPERATIONS (random, touch: of
 * each process), -b BYTES (random), -o OTHER, -s (check: attributes only).
 */
#include <config.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BUFFER_SIZE (1u << 20)
#define PROCESSES_MAX 256u
#define PAGE 4096u

struct tally {
	uint64_t operations, bytes;
};

struct load {
	const char *root, *other;
	char **paths;
	size_t path_count;
	unsigned processes, number; /* of this process */
	uint64_t operations, random;
	size_t block;
	bool attributes_only;
	int directory, other_directory;
	char *buffer, *other_buffer;
	struct tally *tally; /* of this process, in shared memory */
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "fsload: ");
	perror(what);
	exit(1);
}

static double seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Marsaglia: Xorshift RNGs, 2003. */
static uint64_t next_random(struct load *l)
{
	l->random ^= l->random << 13;
	l->random ^= l->random >> 7;
	l->random ^= l->random << 17;
	return l->random;
}

static char *memory(size_t size)
{
	char *p = aligned_alloc(PAGE, size);

	if (!p)
		die("memory");
	return p;
}

static int open_file(int directory, const char *path, struct stat *status)
{
	int fd = openat(directory, path, O_RDONLY | O_NOFOLLOW);

	if (fd < 0 || fstat(fd, status) != 0)
		die(path);
	return fd;
}

static const uint8_t *map_file(struct load *l, const char *path, size_t *size)
{
	struct stat status;
	int fd = open_file(l->directory, path, &status);
	void *map = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		die(path);
	close(fd);
	*size = (size_t)status.st_size;
	return map;
}

static void list_directory(struct load *l, int fd)
{
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	struct stat status;

	if (!directory)
		die("opendir");
	while ((e = readdir(directory))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (fstatat(fd, e->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
			die(e->d_name);
		l->tally->operations++;
		if (S_ISDIR(status.st_mode))
			list_directory(l, openat(fd, e->d_name, O_RDONLY | O_DIRECTORY));
	}
	closedir(directory);
}

static void load_list(struct load *l, const char *path)
{
	(void)path;
	list_directory(l, openat(l->directory, ".", O_RDONLY | O_DIRECTORY));
}

static void load_stat(struct load *l, const char *path)
{
	struct stat status;

	if (fstatat(l->directory, path, &status, AT_SYMLINK_NOFOLLOW) != 0)
		die(path);
	l->tally->operations++;
}

static void load_read(struct load *l, const char *path)
{
	int fd = openat(l->directory, path, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		die(path);
	while ((n = read(fd, l->buffer, BUFFER_SIZE)) > 0)
		l->tally->bytes += (uint64_t)n;
	if (n < 0)
		die(path);
	close(fd);
	l->tally->operations++;
}

static void load_map(struct load *l, const char *path)
{
	size_t size;
	const uint8_t *map = map_file(l, path, &size);
	volatile uint64_t sum = 0;

	for (size_t at = 0; at + sizeof(uint64_t) <= size; at += sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, map + at, sizeof word);
		sum = sum + word;
	}
	l->tally->bytes += size;
	l->tally->operations++;
	munmap((void *)(uintptr_t)map, size);
}

static void load_random(struct load *l, const char *path)
{
	struct stat status;
	int fd = open_file(l->directory, path, &status);
	uint64_t blocks = (uint64_t)status.st_size / l->block;

	for (uint64_t i = 0; blocks && i < l->operations; i++) {
		off_t at = (off_t)(next_random(l) % blocks * l->block);

		if (pread(fd, l->buffer, l->block, at) != (ssize_t)l->block)
			die(path);
		l->tally->operations++;
		l->tally->bytes += l->block;
	}
	close(fd);
}

static void load_touch(struct load *l, const char *path)
{
	size_t size;
	const uint8_t *map = map_file(l, path, &size);
	volatile uint8_t sum = 0;

	for (uint64_t i = 0; size >= PAGE && i < l->operations; i++) {
		sum = (uint8_t)(sum + map[next_random(l) % (size / PAGE) * PAGE]);
		l->tally->operations++;
	}
	munmap((void *)(uintptr_t)map, size);
}

static bool same_attributes(const struct stat *a, const struct stat *b)
{
	return a->st_mode == b->st_mode && a->st_uid == b->st_uid &&
	       a->st_gid == b->st_gid && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void differ(const char *path, const char *how)
{
	fprintf(stderr, "fsload: %s: %s\n", path, how);
	exit(1);
}

static void check_content(struct load *l, const char *path)
{
	struct stat status;
	int a = open_file(l->directory, path, &status);
	int b = open_file(l->other_directory, path, &status);
	off_t at = 0;
	ssize_t n;

	while ((n = pread(a, l->buffer, BUFFER_SIZE, at)) > 0) {
		if (pread(b, l->other_buffer, BUFFER_SIZE, at) != n ||
			memcmp(l->buffer, l->other_buffer, (size_t)n) != 0)
			differ(path, "the contents differ");
		at += n;
	}
	if (n < 0)
		die(path);
	if (at != status.st_size)
		differ(path, "the lengths differ");
	l->tally->bytes += (uint64_t)at;
	close(a);
	close(b);
}

static void load_check(struct load *l, const char *path)
{
	struct stat a, b;

	if (fstatat(l->directory, path, &a, AT_SYMLINK_NOFOLLOW) != 0 ||
		fstatat(l->other_directory, path, &b, AT_SYMLINK_NOFOLLOW) != 0)
		die(path);
	if (l->attributes_only && !same_attributes(&a, &b))
		differ(path, "the attributes differ");
	if (!l->attributes_only && S_ISREG(a.st_mode))
		check_content(l, path);
	l->tally->operations++;
}

static const struct kind {
	const char *name;
	void (*run)(struct load *, const char *path);
	bool all; /* of the paths; else the first, or none */
	bool listed;
} kinds[] = {
	{"list", load_list, false, false},
	{"stat", load_stat, true, true},
	{"read", load_read, true, true},
	{"sequential", load_read, true, true},
	{"map", load_map, true, true},
	{"random", load_random, false, true},
	{"touch", load_touch, false, true},
	{"check", load_check, true, true},
};

static const struct kind *find_kind(const char *name)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

static void read_paths(struct load *l, const char *list)
{
	FILE *file = fopen(list, "r");
	size_t size = 0, capacity = 0;
	char *line = NULL;
	ssize_t n;

	if (!file)
		die(list);
	while ((n = getline(&line, &size, file)) > 0) {
		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		if (l->path_count == capacity) {
			capacity = 2 * capacity + 1024;
			l->paths = reallocarray(l->paths, capacity, sizeof *l->paths);
		}
		if (!l->paths || !(l->paths[l->path_count++] = strdup(line)))
			die("memory");
	}
	if (ferror(file) || l->path_count == 0)
		die(list);
	free(line);
	fclose(file);
}

static void free_paths(struct load *l)
{
	for (size_t i = 0; i < l->path_count; i++)
		free(l->paths[i]);
	free(l->paths);
}

static void work(struct load *l, const struct kind *kind)
{
	l->random = UINT64_C(0x9e3779b97f4a7c15) * (l->number + 1);
	l->buffer = memory(BUFFER_SIZE > l->block ? BUFFER_SIZE : l->block);
	if (l->other)
		l->other_buffer = memory(BUFFER_SIZE);
	if (!kind->all) {
		kind->run(l, l->paths ? l->paths[0] : NULL);
		return;
	}
	for (size_t i = l->number; i < l->path_count; i += l->processes)
		kind->run(l, l->paths[i]);
}

static int run_processes(struct load *l, const struct kind *kind, struct tally *tallies)
{
	int failed = 0, status;

	for (unsigned i = 0; i < l->processes; i++) {
		pid_t child = fork();

		if (child < 0)
			die("fork");
		l->number = i;
		l->tally = &tallies[i];
		if (child == 0) {
			work(l, kind);
			_exit(0);
		}
	}
	while (wait(&status) > 0)
		failed |= status;
	return failed != 0;
}

static int use(void)
{
	fputs("use: fsload KIND [-p PROCESSES] [-n OPERATIONS] [-b BYTES] [-o OTHER] [-s] "
	      "ROOT [LIST]\n",
		stderr);
	return 2;
}

static bool option(struct load *l, int letter)
{
	switch (letter) {
	case 'p':
		l->processes = (unsigned)strtoul(optarg, NULL, 10);
		return l->processes > 0 && l->processes <= PROCESSES_MAX;
	case 'n':
		l->operations = strtoull(optarg, NULL, 10);
		return true;
	case 'b':
		l->block = strtoul(optarg, NULL, 10);
		return l->block > 0 && l->block % PAGE == 0;
	case 'o':
		l->other = optarg;
		return true;
	case 's':
		return l->attributes_only = true;
	default:
		return false;
	}
}

static int open_root(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		die(path);
	return fd;
}

int main(int argc, char **argv)
{
	struct load l = {.processes = 1, .operations = 1, .block = PAGE};
	const struct kind *kind = argc > 1 ? find_kind(argv[1]) : NULL;
	struct tally *tallies, sum = {0};
	double began;
	int letter, failed;

	optind = 2;
	while (kind && (letter = getopt(argc, argv, "p:n:b:o:s")) != -1)
		if (!option(&l, letter))
			return use();
	if (!kind || argc - optind != 1 + kind->listed ||
		!l.other != (kind->run != load_check))
		return use();
	l.directory = open_root(argv[optind]);
	if (l.other)
		l.other_directory = open_root(l.other);
	if (kind->listed)
		read_paths(&l, argv[optind + 1]);
	tallies = mmap(NULL, PROCESSES_MAX * sizeof *tallies, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (tallies == MAP_FAILED)
		die("memory");
	began = seconds_now();
	failed = run_processes(&l, kind, tallies);
	began = seconds_now() - began;
	for (unsigned i = 0; i < l.processes; i++) {
		sum.operations += tallies[i].operations;
		sum.bytes += tallies[i].bytes;
	}
	printf("{\"seconds\": %.6f, \"operations\": %ju, \"bytes\": %ju}\n", began,
		(uintmax_t)sum.operations, (uintmax_t)sum.bytes);
	free_paths(&l);
	return failed;
}
