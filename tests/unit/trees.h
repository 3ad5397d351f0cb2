/* SPDX-License-Identifier: MIT */
/*
 * Directories for the tests of publish/: made below a fresh one, filled, removed. Every
 * failure is the test's.
 */
#ifndef CAIRN_TESTS_TREES_H
#define CAIRN_TESTS_TREES_H

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/bytes.h"

/* A new directory below $TMPDIR; heap. */
static inline char *trees_new(void)
{
	const char *base = getenv("TMPDIR");
	char *path;

	assert_true(asprintf(&path, "%s/cairn-publish-XXXXXX", base ? base : "/tmp") > 0);
	assert_non_null(mkdtemp(path));
	return path;
}

static inline int trees_remove_one(
	const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	return type == FTW_DP ? rmdir(path) : unlink(path);
}

static inline void trees_remove(char *path)
{
	nftw(path, trees_remove_one, 32, FTW_DEPTH | FTW_PHYS);
	free(path);
}

/* "root/name", in one of a few static places. */
static inline const char *trees_path(const char *root, const char *name)
{
	static char paths[4][8192];
	static unsigned next;
	char whole[sizeof(paths[0])]; /* root may be one of the places itself */
	char *path = paths[next++ % 4];

	snprintf(whole, sizeof(whole), "%s/%s", root, name);
	return memcpy(path, whole, strlen(whole) + 1);
}

static inline void trees_directory(const char *root, const char *name)
{
	assert_int_equal(mkdir(trees_path(root, name), 0755), 0);
}

static inline void trees_write(
	const char *root, const char *name, const void *data, size_t size)
{
	int fd = open(trees_path(root, name), O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	for (size_t done = 0; done < size;) {
		ssize_t n = write(fd, (const char *)data + done, size - done);

		assert_true(n > 0);
		done += (size_t)n;
	}
	close(fd);
}

static inline void trees_text(const char *root, const char *name, const char *text)
{
	trees_write(root, name, text, strlen(text));
}

/* xorshift64*, so that a test is the same each time. */
static inline uint64_t trees_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(2685821657736338717);
}

/* `size` bytes that compress to about a half; the caller frees. */
static inline uint8_t *trees_noise(uint64_t seed, size_t size)
{
	uint64_t state = seed * 2 + 1;
	uint8_t *data = malloc(size + 8);

	assert_non_null(data);
	for (size_t i = 0; i < size; i += 8) {
		uint64_t word = trees_random(&state) & UINT64_C(0x0f0f0f0f0f0f0f0f);

		memcpy(data + i, &word, 8);
	}
	return data;
}

static inline void trees_fill(
	const char *root, const char *name, uint64_t seed, size_t size)
{
	uint8_t *data = trees_noise(seed, size);

	trees_write(root, name, data, size);
	free(data);
}

/* Gives every entry the same old time: what is older than two seconds is remembered. */
static inline int trees_age_one(
	const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	struct timespec times[2] = {{1500000000, 7}, {1500000000, 123456789}};

	(void)st;
	(void)type;
	(void)ftw;
	return utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW);
}

static inline void trees_age(const char *root)
{
	assert_int_equal(nftw(root, trees_age_one, 32, FTW_DEPTH | FTW_PHYS), 0);
}

#endif
