/* SPDX-License-Identifier: MIT */
/*
 * oddtree DIRECTORY [PART...]: fills an existing directory with every odd kind, name,
 * size, time and attribute that a file can have; some of it only as root. The same
 * arguments make the same contents.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#ifdef HAVE_SYS_XATTR_H
#include <sys/xattr.h>
#endif
#ifdef __linux__
#include <linux/capability.h>
#include <sys/sysmacros.h>
#endif
#include <unistd.h>

#define RELATIVE_PATH_MAX 4095
#define COMPONENT_MAX 255
#define WIDE_COUNT 6000
#define MIB (1 << 20)

static void die(const char *what)
{
	fprintf(stderr, "oddtree: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void check(int result, const char *what)
{
	if (result < 0)
		die(what);
}

/* Makes and enters; the caller leaves with leave(). */
static int enter(int parent, const char *name)
{
	int fd;

	check(mkdirat(parent, name, 0755), name);
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(fd, name);
	return fd;
}

/* xorshift64* (Vigna 2016): content that does not compress. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(2685821657736338717);
}

static void fill_random(void *buffer, size_t size, uint64_t seed)
{
	uint64_t state = seed * 2 + 1;

	for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
		uint64_t word = next_random(&state);
		memcpy((uint8_t *)buffer + i, &word,
			size - i < sizeof(word) ? size - i : sizeof(word));
	}
}

static void write_all(int fd, const void *data, size_t size, off_t offset)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = pwrite(fd, (const uint8_t *)data + done, size - done,
			offset + (off_t)done);
		check(n < 0 ? -1 : 0, "write");
		done += (size_t)n;
	}
}

static void put_bytes(int dir, const char *name, const void *data, size_t size)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	check(fd, name);
	write_all(fd, data, size, 0);
	close(fd);
}

static void put(int dir, const char *name)
{
	put_bytes(dir, name, name, strlen(name));
}

/* Kinds and links */

static void put_socket(int dir, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	check(fd, "socket");
	check(fchdir(dir), "fchdir");
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", name);
	check(bind(fd, (struct sockaddr *)&address, sizeof(address)), name);
	close(fd);
}

static void part_kinds(int dir)
{
	char target[RELATIVE_PATH_MAX + 1];

	put(dir, "file");
	put_bytes(dir, "empty-file", "", 0);
	close(enter(dir, "empty-directory"));
	check(mkfifoat(dir, "fifo", 0640), "fifo");
	put_socket(dir, "socket");
	check(symlinkat("file", dir, "symlink"), "symlink");
	check(symlinkat("../no/such/place", dir, "symlink-dangling"), "symlink");
	check(symlinkat("symlink-loop", dir, "symlink-loop"), "symlink");
	check(symlinkat("\xff\xfe not UTF-8\n", dir, "symlink-bytes"), "symlink");
	memset(target, 'x', sizeof(target));
	for (size_t i = 200; i < RELATIVE_PATH_MAX; i += 200)
		target[i] = '/';
	target[RELATIVE_PATH_MAX] = '\0';
	check(symlinkat(target, dir, "symlink-4095"), "symlink of 4095 bytes");
	if (geteuid() != 0)
		return;
	check(mknodat(dir, "null", S_IFCHR | 0666, makedev(1, 3)), "character device");
	check(mknodat(dir, "block", S_IFBLK | 0600, makedev(7, 200)), "block device");
	check(mknodat(dir, "big-minor", S_IFCHR | 0600, makedev(511, 70000)), "device");
	check(mknodat(dir, "whiteout", S_IFCHR, makedev(0, 0)), "device 0:0");
	check(fchownat(dir, "file", 12345, 54321, 0), "chown");
	check(fchownat(dir, "symlink", 4000000000U, 3000000000U, AT_SYMLINK_NOFOLLOW),
		"chown of a symlink");
}

static void part_links(int dir)
{
	int a = enter(dir, "a"), b = enter(dir, "b");

	put(a, "one");
	check(linkat(a, "one", a, "two", 0), "link");
	check(linkat(a, "one", b, "three", 0), "link across directories");
	put_bytes(b, "empty", "", 0);
	check(linkat(b, "empty", a, "empty-too", 0), "link to an empty file");
	check(symlinkat("nowhere", a, "symlink"), "symlink");
	check(linkat(a, "symlink", b, "symlink-too", 0), "link to a symlink");
	check(mkfifoat(a, "fifo", 0600), "fifo");
	check(linkat(a, "fifo", b, "fifo-too", 0), "link to a fifo");
	/* equal contents, yet no links */
	put_bytes(a, "same", "same", 4);
	put_bytes(b, "same", "same", 4);
	close(a);
	close(b);
}

/* Names and paths */

static void part_names(int dir)
{
	static const char *const names[] = {" leading space", "trailing space ", "-dash",
		"--", "new\nline", "back\\slash", "\"quotes\"", "'single'",
		"$dollar `tick`", "\001", "\001\002\037\177", "tab\t", "\xff\xfe\x80",
		"\xc3\x28", "\xc0\xaf", "\xed\xa0\x80", "\xc3\xa9", "e\xcc\x81",
		"\xe2\x98\x83", "\xf0\x9f\xaa\xa8", "...", ".hidden", "*", "?", "[a]", "{}",
		"~", "#", "%41", "%", "a+b", "a&b", ":", "null", "con", "base64", ".tmp",
		"~backup~"};
	char longest[COMPONENT_MAX + 1];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		put(dir, names[i]);
	memset(longest, 'n', COMPONENT_MAX);
	longest[COMPONENT_MAX] = '\0';
	put(dir, longest);
	memset(longest, 0xfe, COMPONENT_MAX);
	put(dir, longest);
}

/* Names on both sides of '/' in the byte order, with directories between. */
static void part_order(int dir)
{
	static const char *const stems[] = {
		"a", "a!", "a-b", "a.b", "a0", "aa", "a\001", "a\xff"};
	static const char *const plain[] = {"a.", "a-", "a,", "a#", "b", "A", "a/"};

	for (size_t i = 0; i < sizeof(stems) / sizeof(stems[0]); i++) {
		int inner = enter(dir, stems[i]);
		put(inner, "z");
		put(inner, "a");
		put(inner, "-");
		close(inner);
	}
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (!strchr(plain[i], '/'))
			put(dir, plain[i]);
}

/* A file whose path below the tree's root is of exactly RELATIVE_PATH_MAX bytes. */
static void part_deep(int dir)
{
	char name[COMPONENT_MAX + 1];
	size_t length = strlen("deep");
	int fd = dup(dir);

	check(fd, "dup");
	while (RELATIVE_PATH_MAX - length > COMPONENT_MAX + 1) {
		size_t size = COMPONENT_MAX;
		int inner;
		if (RELATIVE_PATH_MAX - length - 1 - size < 2)
			size -= 2; /* the last needs a '/' and a byte */
		memset(name, 'd', size);
		name[size] = '\0';
		inner = enter(fd, name);
		close(fd);
		fd = inner;
		length += size + 1;
	}
	memset(name, 'f', RELATIVE_PATH_MAX - length - 1);
	name[RELATIVE_PATH_MAX - length - 1] = '\0';
	put(fd, name);
	close(fd);
}

static void part_levels(int dir)
{
	int fd = dup(dir);

	for (int i = 0; i < 300; i++) {
		int inner = enter(fd, "d");
		close(fd);
		fd = inner;
	}
	put(fd, "bottom");
	close(fd);
}

static void part_wide(int dir)
{
	char name[32];

	for (int i = 0; i < WIDE_COUNT; i++) {
		snprintf(name, sizeof(name), "%d.txt", i * 7919 % WIDE_COUNT);
		put(dir, name);
	}
}

/* Sizes, holes, contents */

static void put_random(int dir, const char *name, size_t size)
{
	uint8_t *data = malloc(size + 1);

	if (!data)
		die("memory");
	fill_random(data, size, size);
	put_bytes(dir, name, data, size);
	free(data);
}

static void part_sizes(int dir)
{
	static const size_t sizes[] = {0, 1, 2, 4095, 4096, 4097, 65536, 131071, 131072,
		131073, 524288, 1048575, 1048577, 2 * MIB - 1, 2 * MIB, 2 * MIB + 1,
		40 * MIB};
	uint8_t *zeros = calloc(1, 40 * MIB);
	char name[32];

	if (!zeros)
		die("memory");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		snprintf(name, sizeof(name), "random-%zu", sizes[i]);
		put_random(dir, name, sizes[i]);
	}
	put_bytes(dir, "zeros-1", zeros, 1);
	put_bytes(dir, "zeros-4096", zeros, 4096);
	put_bytes(dir, "zeros-40M", zeros, 40 * MIB);
	free(zeros);
}

/* `runs` pieces of `size` bytes, each `step` after the one before, in a file of `end`. */
static void put_sparse(int dir, const char *name, off_t first, off_t step, int runs,
	size_t size, off_t end)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	uint8_t *data = malloc(size + 1);

	check(fd, name);
	if (!data)
		die("memory");
	for (int i = 0; i < runs; i++) {
		fill_random(data, size, (uint64_t)i + size);
		write_all(fd, data, size, first + i * step);
	}
	check(ftruncate(fd, end), name);
	free(data);
	close(fd);
}

static void part_sparse(int dir)
{
	const off_t tib = (off_t)1 << 40;

	put_sparse(dir, "only-a-hole", 0, 0, 0, 0, 10 * MIB);
	put_sparse(dir, "hole-of-one-byte", 0, 0, 0, 0, 1);
	put_sparse(dir, "hole-first", 8 * MIB, 0, 1, 5000, 8 * MIB + 5000);
	put_sparse(dir, "hole-last", 0, 0, 1, 300000, 9 * MIB + 17);
	put_sparse(dir, "many-holes", 4096, 65536, 500, 4096, 500 * 65536 + 123);
	put_sparse(dir, "unaligned", 1000, 50001, 100, 3333, 100 * 50001);
	put_sparse(dir, "one-TiB", tib / 3, tib / 3, 2, 100000, tib);
}

/* Modes, times, attributes */

static void part_modes(int dir)
{
	static const mode_t bits[] = {04000, 02000, 01000, 07000, 07777, 04755, 02755};
	char name[16];

	for (mode_t mode = 0; mode <= 0777; mode += 1) {
		if (mode % 8 != mode / 64 && mode % 64 != 0)
			continue;
		snprintf(name, sizeof(name), "%04o", (unsigned)mode);
		put(dir, name);
		check(fchmodat(dir, name, geteuid() ? mode | 0400 : mode, 0), name);
	}
	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		snprintf(name, sizeof(name), "d%04o", (unsigned)bits[i]);
		check(mkdirat(dir, name, 0755), name);
		check(fchmodat(dir, name, geteuid() ? bits[i] | 0500 : bits[i], 0), name);
		snprintf(name, sizeof(name), "f%04o", (unsigned)bits[i]);
		put(dir, name);
		check(fchmodat(dir, name, geteuid() ? bits[i] | 0400 : bits[i], 0), name);
	}
}

static void part_times(int dir)
{
	static const struct timespec times[] = {{0, 0}, {0, 1}, {1, 999999999}, {-1, 0},
		{-1, 999999999}, {-86400 * 365, 123456789}, {INT32_MAX, 0},
		{(time_t)INT32_MAX + 1, 1}, {10000000000, 5}, {INT32_MIN, 0}};
	char name[64];

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		const struct timespec both[2] = {times[i], times[i]};
		snprintf(name, sizeof(name), "%lld.%09ld", (long long)times[i].tv_sec,
			times[i].tv_nsec);
		put(dir, name);
		check(utimensat(dir, name, both, 0), name);
		snprintf(name, sizeof(name), "link-%zu", i);
		check(symlinkat("x", dir, name), name);
		check(utimensat(dir, name, both, AT_SYMLINK_NOFOLLOW), name);
		snprintf(name, sizeof(name), "directory-%zu", i);
		check(mkdirat(dir, name, 0755), name);
		check(utimensat(dir, name, both, 0), name);
	}
}

#if defined(__linux__) && defined(HAVE_SYS_XATTR_H)
/* Attributes that the file system has no room or no support for are left out. */
static void put_xattr(const char *file, const char *name, const void *value, size_t size)
{
	if (lsetxattr(file, name, value, size, 0) != 0 && errno != ENOTSUP &&
		errno != ENOSPC && errno != E2BIG && errno != ERANGE && errno != EPERM)
		die(name);
}

struct acl_entry {
	uint16_t tag, permissions;
	uint32_t id;
};

/* POSIX ACL as the kernel takes it (linux/posix_acl_xattr.h), little-endian here. */
static void put_acl(const char *file, const char *name)
{
	static const struct {
		uint32_t version;
		struct acl_entry entries[6];
	} acl = {2, {
			    {0x01, 7, UINT32_MAX}, /* the owner */
			    {0x02, 5, 1234},	   /* a user */
			    {0x04, 5, UINT32_MAX}, /* the group */
			    {0x08, 7, 4321},	   /* another group */
			    {0x10, 7, UINT32_MAX}, /* mask */
			    {0x20, 0, UINT32_MAX}, /* the rest */
		    }};
	put_xattr(file, name, &acl, sizeof(acl));
}

static void put_capability(const char *file)
{
	const struct vfs_cap_data caps = {
		.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
		.data = {{.permitted = 1U << CAP_NET_BIND_SERVICE}}};
	put_xattr(file, "security.capability", &caps, sizeof(caps));
}

static void part_xattrs(int dir)
{
	static uint8_t large[3000];
	char name[COMPONENT_MAX + 1];

	check(fchdir(dir), "fchdir");
	fill_random(large, sizeof(large), 1);
	put(dir, "file");
	put_xattr("file", "user.text", "value", 5);
	put_xattr("file", "user.empty", "", 0);
	put_xattr("file", "user.binary", "\0\xff\0\n", 4);
	put_xattr("file", "user.\xc3\xa9", "name in UTF-8", 13);
	put_xattr("file", "user.\xff\xfe", "name not UTF-8", 14);
	put(dir, "large");
	put_xattr("large", "user.large", large, sizeof(large));
	put(dir, "long-name");
	memset(name, 'n', COMPONENT_MAX);
	memcpy(name, "user.", 5);
	name[COMPONENT_MAX] = '\0';
	put_xattr("long-name", name, "x", 1);
	put(dir, "many");
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "user.number-%d", i);
		put_xattr("many", name, &i, sizeof(i));
	}
	put(dir, "acl");
	put_acl("acl", "system.posix_acl_access");
	check(mkdirat(dir, "directory", 0755), "directory");
	put_xattr("directory", "user.of-a-directory", "yes", 3);
	put_acl("directory", "system.posix_acl_default");
	check(symlinkat("file", dir, "symlink"), "symlink");
	put(dir, "program");
	if (geteuid() != 0)
		return;
	put_xattr("symlink", "trusted.of-a-symlink", "yes", 3);
	put_xattr("file", "trusted.secret", "yes", 3);
	put_capability("program");
}
#else
static void part_xattrs(int dir)
{
	put(dir, "no-xattrs-here");
}
#endif

static const struct part {
	const char *name;
	void (*make)(int dir);
} parts[] = {
	{"kinds", part_kinds},
	{"links", part_links},
	{"names", part_names},
	{"order", part_order},
	{"levels", part_levels},
	{"wide", part_wide},
	{"sizes", part_sizes},
	{"sparse", part_sparse},
	{"modes", part_modes},
	{"times", part_times},
	{"xattrs", part_xattrs},
	{"deep", part_deep},
};

static bool wanted(const char *part, int argc, char **argv)
{
	for (int i = 2; i < argc; i++)
		if (strcmp(argv[i], part) == 0)
			return true;
	return argc == 2;
}

int main(int argc, char **argv)
{
	int root;

	if (argc < 2) {
		fputs("use: oddtree DIRECTORY [PART...]\n", stderr);
		return 2;
	}
	umask(0);
	root = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(root, argv[1]);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (!wanted(parts[i].name, argc, argv))
			continue;
		int dir = enter(root, parts[i].name);
		parts[i].make(dir);
		close(dir);
	}
	close(root);
	return 0;
}
