/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <unistd.h>

#include "publish/extents.h"
#include "util/error.h"

#define BLOCK 512 /* of st_blocks */

bool extents_likely(const struct stat *st)
{
#ifdef HAVE_SEEK_HOLE
	return (uint64_t)st->st_blocks * BLOCK < (uint64_t)st->st_size;
#else
	(void)st;
	return false;
#endif
}

#ifdef HAVE_SEEK_HOLE

int extents_next(int fd, uint64_t at, uint64_t size, struct extent *out)
{
	off_t data, hole;

	if (at >= size)
		return ERR_ABSENT;
	data = lseek(fd, (off_t)at, SEEK_DATA);
	if (data < 0)
		return errno == ENXIO ? ERR_ABSENT : error_from_errno(errno);
	if ((uint64_t)data >= size)
		return ERR_ABSENT;
	hole = lseek(fd, data, SEEK_HOLE);
	if (hole < 0)
		return errno == ENXIO ? ERR_CHANGED : error_from_errno(errno);
	if ((uint64_t)hole > size)
		hole = (off_t)size;
	if ((uint64_t)data < at || hole <= data)
		return ERR_CHANGED;
	*out = (struct extent){(uint64_t)data, (uint64_t)(hole - data)};
	return 0;
}

#else

int extents_next(int fd, uint64_t at, uint64_t size, struct extent *out)
{
	(void)fd;
	if (at >= size)
		return ERR_ABSENT;
	*out = (struct extent){at, size - at};
	return 0;
}

#endif

int extents_measure(int fd, const struct stat *st, uint64_t most, uint64_t *bytes)
{
	struct extent run = {0};
	uint64_t sum = 0;
	int rc = 0;

	while (sum < most) {
		rc = extents_next(fd, run.offset + run.size, (uint64_t)st->st_size, &run);
		if (rc)
			break;
		sum += run.size;
	}
	if (rc && rc != ERR_ABSENT)
		return rc;
	*bytes = sum;
	return 0;
}
