/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

#include "cache/objects/last_books.h"
#include "cache/objects/object_files.h"
#include "util/checksum.h"
#include "util/io.h"

#define NAME "books"

/* As stored, in the byte order of the machine. */
struct last_books {
	uint64_t file;	      /* object_file_number() of meta/data.mdb */
	uint64_t transaction; /* the last one; it only ever rises in one file */
	uint64_t sum;	      /* of all above */
};

static uint64_t sum_of_books(const struct last_books *b)
{
	return checksum_of(b, offsetof(struct last_books, sum));
}

static int books_open(struct directory *d, int flags)
{
	return openat(d->fd, NAME, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
}

/* False when there is none, or none that is whole. */
static bool books_read(int fd, struct last_books *out)
{
	return !io_pread_full(fd, out, sizeof *out, 0) && out->sum == sum_of_books(out);
}

static bool books_look(struct metadata *m, struct last_books *out)
{
	int fd;

	if (metadata_file(m, &fd, &out->transaction))
		return false;
	out->file = object_file_number(fd);
	out->sum = sum_of_books(out);
	return true;
}

bool last_books_are_others(struct directory *d, struct metadata *m)
{
	struct last_books last, now;
	int fd = books_open(d, O_RDONLY);
	bool others = fd >= 0 && books_read(fd, &last) && books_look(m, &now) &&
		      (last.file != now.file || last.transaction > now.transaction);

	if (fd >= 0)
		close(fd);
	return others;
}

void last_books_note(struct directory *d, struct metadata *m)
{
	struct last_books last, now;
	int fd = books_open(d, O_RDWR | O_CREAT);

	if (fd < 0)
		return;
	if (books_look(m, &now) && !(books_read(fd, &last) && last.sum == now.sum))
		(void)io_pwrite_full(fd, &now, sizeof now, 0);
	close(fd);
}

void last_books_forget(struct directory *d)
{
	(void)unlinkat(d->fd, NAME, 0);
}
