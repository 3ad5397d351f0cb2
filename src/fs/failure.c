/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/failure.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "util/clock.h"

#define PERIOD (10 * NS_PER_SECOND)
#define LINES_MAX 20 /* per period */
#define OUTAGE_PERIOD (60 * NS_PER_SECOND)

static const struct {
	int error, errnum;
} table[] = {
	{ERR_CORRUPT, EIO},
	{ERR_ABSENT, EIO},
	{ERR_PENDING, EIO},
	{ERR_UNREACHABLE, ENETUNREACH},
	{ERR_TIMEOUT, ETIMEDOUT},
	{ERR_DENIED, EACCES},
	{ERR_NO_SPACE, EIO},
	{ERR_NO_MEMORY, ENOMEM},
	{ERR_UNSUPPORTED, EIO},
	{ERR_UNTRUSTED, EIO},
	{ERR_ROLLBACK, EIO},
	{ERR_EXPIRED, EIO},
	{ERR_IO, EIO},
	{ERR_INTERRUPTED, EINTR},
	{ERR_LIMIT, EIO},
	{ERR_INVALID, EINVAL},
	{ERR_BUSY, EIO},
	{ERR_CHANGED, EIO},
	{ERR_EXISTS, EIO},
	/* It is we who have too many; the reader's own count is another matter. */
	{ERR_NO_FILES, ENFILE},
	{ERR_NO_THREADS, ENOMEM},
	{ERR_FILE_SIZE, EIO},
};

int failure_errno(int error)
{
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		if (table[i].error == error)
			return table[i].errnum;
	return EIO;
}

void failures_init(struct failures *f, struct log *log)
{
	memset(f, 0, sizeof *f);
	f->log = log;
	pthread_mutex_init(&f->failures_mtx, NULL);
}

void failures_release(struct failures *f)
{
	pthread_mutex_destroy(&f->failures_mtx);
}

/* Is there a line left in this period? *dropped: of the last period, told once. */
static int admit_line(struct failures *f, int64_t now, uint64_t *dropped)
{
	*dropped = 0;
	if (f->period == 0 || now - f->period > PERIOD) {
		*dropped = f->dropped;
		f->period = now;
		f->lines = 0;
		f->dropped = 0;
	}
	if (f->lines == LINES_MAX) {
		f->dropped++;
		return 0;
	}
	f->lines++;
	return 1;
}

/* For want of a server one is like another. */
static int admit_outage(struct failures *f, int error, int64_t now)
{
	if (error != ERR_UNREACHABLE && error != ERR_TIMEOUT)
		return 1;
	if (f->outage_until > now) {
		f->dropped++;
		return 0;
	}
	f->outage_until = now + OUTAGE_PERIOD;
	return 1;
}

void failures_note(struct failures *f, const char *operation, struct span path, int error,
	const struct trouble *t)
{
	const char *text = t && t->text[0] ? t->text : error_text(error);
	int64_t now = clock_monotonic();
	uint64_t dropped = 0;
	int write;

	pthread_mutex_lock(&f->failures_mtx);
	trouble_set(&f->last, error, "%s", text);
	write = admit_outage(f, error, now) && admit_line(f, now, &dropped);
	pthread_mutex_unlock(&f->failures_mtx);
	if (dropped)
		log_warning(f->log, "%llu more requests failed in the meantime",
			(unsigned long long)dropped);
	if (write)
		log_warning(f->log, "%s of /%.*s: %s", operation, (int)path.size,
			path.data ? (const char *)path.data : "", text);
}

void failures_last(struct failures *f, struct trouble *out)
{
	pthread_mutex_lock(&f->failures_mtx);
	*out = f->last;
	pthread_mutex_unlock(&f->failures_mtx);
}
