/* SPDX-License-Identifier: MIT */
/*
 * What a power loss leaves of a file system:
 *
 *	power_loss DIRECTORY [PATH...]
 *
 * Writes back a part of each file below each PATH, as a kernel may have got to by then: of
 *one nothing, of one its first page, of one a half, of one all. Then shuts the file system
 *that DIRECTORY is on down, its journal written and nothing else: what is read after the
 *next mount is what was on the disk. Works on ext4, XFS and others that know that ioctl(2).
 *For file systems of the test's own: whoever else uses it has lost it.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* XFS_IOC_GOINGDOWN and EXT4_IOC_SHUTDOWN are one number, and so are their flags. */
#define SHUT_DOWN _IOR('X', 125, uint32_t)
#define LOG_FLUSH 1u

static unsigned seen;

static int write_back(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	const off_t parts[] = {0, 4096, st->st_size / 2, st->st_size};
	off_t part = parts[seen % 4];
	int fd;

	(void)ftw;
	if (type != FTW_F)
		return 0;
	seen++;
	fd = part > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0) /* or it is gone: somebody writes here */
		return 0;
	(void)sync_file_range(fd, 0, part,
		SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
			SYNC_FILE_RANGE_WAIT_AFTER);
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	uint32_t flags = LOG_FLUSH;
	int fd;

	if (argc < 2) {
		fprintf(stderr, "use: power_loss DIRECTORY [PATH...]\n");
		return 2;
	}
	fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		perror(argv[1]);
		return 1;
	}
	for (int i = 2; i < argc; i++)
		(void)nftw(argv[i], write_back, 16, FTW_PHYS);
	if (ioctl(fd, SHUT_DOWN, &flags) != 0) {
		perror("shut down");
		return errno == ENOTTY || errno == EOPNOTSUPP ? 77 : 1;
	}
	close(fd);
	return 0;
}
