/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "net/access_log.h"
#include "util/io.h"

#define FILE_MODE 0640 /* addresses are nobody else's business */
#define URL_SHOWN 1024 /* bytes of what a client sent, before they are escaped */

struct access_log {
	const char *path;
	int fd;
};

/* Into a FIFO goes what its reader has room for: the server waits for none. */
static int open_access_log(const char *path, int *out, struct trouble *t)
{
	*out = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
		FILE_MODE);
	if (*out < 0 && errno == ENXIO)
		return trouble_set(t, ERR_IO,
			"the access log %s is a FIFO that nobody reads: start its reader "
			"first",
			path);
	if (*out < 0)
		return trouble_errno(t, "the access log %s cannot be opened", path);
	return 0;
}

int access_log_open(const char *path, struct access_log **out, struct trouble *t)
{
	struct access_log *log = calloc(1, sizeof *log);
	int rc = 0;

	if (!log)
		return trouble_set(t, ERR_NO_MEMORY, "out of memory");
	log->path = path;
	log->fd = STDERR_FILENO;
	if (path)
		rc = open_access_log(path, &log->fd, t);
	if (rc)
		free(log);
	else
		*out = log;
	return rc;
}

int access_log_reopen(struct access_log *log, struct trouble *t)
{
	int fd, rc;

	if (!log->path)
		return 0;
	rc = open_access_log(log->path, &fd, t);
	if (rc)
		return rc;
	/* In one step, for threads that are writing. */
	if (dup3(fd, log->fd, O_CLOEXEC) < 0)
		rc = trouble_errno(t, "the access log %s cannot be opened", log->path);
	close(fd);
	return rc;
}

void access_log_close(struct access_log *log)
{
	if (!log)
		return;
	if (log->path)
		close(log->fd);
	free(log);
}

static void put_address(FILE *out, const struct sockaddr *address)
{
	char text[NI_MAXHOST];
	socklen_t size;

	if (!address) {
		fputc('-', out);
		return;
	}
	size = address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
					      : sizeof(struct sockaddr_in);
	if (getnameinfo(address, size, text, sizeof text, NULL, 0, NI_NUMERICHOST) != 0)
		strcpy(text, "-");
	fputs(text, out);
}

/* Month names are English in this format, whatever the locale. */
static void put_time(FILE *out, int64_t seconds)
{
	static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul",
		"Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t when = (time_t)seconds;
	struct tm tm;

	if (!gmtime_r(&when, &tm))
		return;
	fprintf(out, "[%02d/%s/%d:%02d:%02d:%02d +0000]", tm.tm_mday, months[tm.tm_mon],
		tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static void put_escaped(FILE *out, const char *text)
{
	size_t shown = 0;

	for (; *text && shown < URL_SHOWN; text++, shown++) {
		unsigned char c = (unsigned char)*text;

		if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\')
			fprintf(out, "\\x%02x", c);
		else
			fputc(c, out);
	}
	if (*text)
		fputs("...", out);
}

static void put_line(FILE *out, const struct access_line *line)
{
	put_address(out, line->address);
	fputs(" - - ", out);
	put_time(out, line->seconds);
	fputs(" \"", out);
	put_escaped(out, line->method);
	fputc(' ', out);
	put_escaped(out, line->url);
	fputc(' ', out);
	put_escaped(out, line->version);
	fprintf(out, "\" %u ", line->status);
	if (line->whole)
		fprintf(out, "%" PRIu64 "\n", line->size);
	else
		fputs("-\n", out);
}

void access_log_write(struct access_log *log, const struct access_line *line)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return;
	put_line(out, line);
	/* A log that cannot be written (a full disk) stops no reader. */
	if (fclose(out) == 0)
		(void)io_write_full(log->fd, text, size);
	free(text);
}
