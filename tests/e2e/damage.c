/* SPDX-License-Identifier: MIT */
/*
 * damage FILE SEED [tree]: damages a file of LMDB in place, at random: bits and bytes, of
 * page headers mostly, whole pages, pages in the place of others, an end cut off. The same
 * seed does the same to the same file. `tree`: only heads of the tree's pages, and these
 * as a whole; no value that somebody may have looked at already is changed in its place.
 */
#include <config.h>

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096

static uint64_t dice_state;

static unsigned dice(unsigned sides)
{
	dice_state = dice_state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(dice_state >> 33) % sides;
}

static void change_page(uint8_t page[PAGE], unsigned how, bool tree)
{
	unsigned at = tree || dice(2) ? dice(48) : dice(PAGE);

	if (how == 0)
		page[at] = (uint8_t)dice(256);
	else if (how < 3)
		for (unsigned i = 0; i < PAGE; i++)
			page[i] = how == 1 ? 0 : (uint8_t)dice(256);
	else
		page[at] ^= (uint8_t)(1 << dice(8));
}

/* As LMDB marks them: branches and leaves under their own number. */
static bool is_of_tree(const uint8_t page[PAGE], unsigned number)
{
	uint64_t own;
	uint16_t flags;

	memcpy(&own, page, sizeof own);
	memcpy(&flags, page + 10, sizeof flags);
	return own == number && (flags == 1 || flags == 2);
}

/* One page; the first ones, which hold the tree's top, more often than others. */
static int damage_page(int fd, unsigned pages, bool tree)
{
	unsigned number = dice(3) ? dice(pages) : dice(pages < 20 ? pages : 20);
	unsigned from = dice(6) ? number : dice(pages);
	uint8_t page[PAGE] = {0};

	if (tree)
		from = number;
	if (pread(fd, page, PAGE, (off_t)from * PAGE) < 0)
		return -1;
	if (tree && !is_of_tree(page, number))
		return 0;
	if (from == number)
		change_page(page, dice(6), tree);
	return pwrite(fd, page, PAGE, (off_t)number * PAGE) == PAGE ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct stat st;
	unsigned times, pages;
	bool tree = argc == 4 && !strcmp(argv[3], "tree");
	int fd = argc == 3 || tree ? open(argv[1], O_RDWR | O_CLOEXEC) : -1;

	if (fd < 0 || fstat(fd, &st) || st.st_size < PAGE) {
		fprintf(stderr, "use: damage FILE SEED [tree]\n");
		return 2;
	}
	dice_state = strtoull(argv[2], NULL, 10);
	dice(2);
	pages = (unsigned)(st.st_size / PAGE);
	times = (1 + dice(5)) * (tree ? 20 : 1); /* most pages are no tree's */
	for (unsigned i = 0; i < times; i++)
		if (damage_page(fd, pages, tree)) {
			perror(argv[1]);
			return 1;
		}
	if (dice(16) == 0 && ftruncate(fd, (off_t)dice((unsigned)st.st_size))) {
		perror(argv[1]);
		return 1;
	}
	return close(fd) ? 1 : 0;
}
