/* SPDX-License-Identifier: MIT */
/*
 * Each line leaves in one write(2) (or syslog(3) call), so threads need no lock for it and
 * processes may share a file opened with O_APPEND.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/io.h"
#include "util/journal.h"
#include "util/log.h"
#include "util/log_causes.h"
#include "util/printable.h"

#define LOG_LINE_MAX 2048

enum log_kind { LOG_TO_STDERR, LOG_TO_SYSLOG, LOG_TO_JOURNAL, LOG_TO_FILE };

/* Constant after it was made, but for the causes, which have a lock. */
struct log {
	enum log_kind kind;
	enum log_level level;
	int fd;
	char *ident;		/* openlog(3) keeps the pointer */
	char *mountpoint, *url; /* for the journal; or NULL */
	void (*before)(void);	/* or NULL */
	struct log_causes causes;
};

static struct log *log_new(enum log_kind kind, enum log_level level, int fd)
{
	struct log *log = calloc(1, sizeof *log);

	if (!log)
		return NULL;
	log->kind = kind;
	log->level = level;
	log->fd = fd;
	log_causes_init(&log->causes);
	return log;
}

struct log *log_new_stderr(enum log_level level)
{
	return log_new(LOG_TO_STDERR, level, STDERR_FILENO);
}

struct log *log_new_syslog(enum log_level level, const char *ident)
{
	bool journal = journal_is_there();
	struct log *log = log_new(journal ? LOG_TO_JOURNAL : LOG_TO_SYSLOG, level, -1);

	if (!log)
		return NULL;
	log->ident = strdup(ident);
	if (!log->ident) {
		free(log);
		return NULL;
	}
	if (!journal)
		openlog(log->ident, LOG_PID, LOG_DAEMON);
	return log;
}

struct log *log_new_file(enum log_level level, const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
	struct log *log;

	if (fd < 0)
		return NULL;
	log = log_new(LOG_TO_FILE, level, fd);
	if (!log) {
		close(fd);
		errno = ENOMEM;
	}
	return log;
}

void log_before_line(struct log *log, void (*before)(void))
{
	if (log)
		log->before = before;
}

/* What stands before the words, as the sink wants it. */
static size_t put_head(const struct log *log, enum log_level level, char line[LOG_LINE_MAX])
{
	static const char *const words[] = {"error: ", "warning: ", "", "", "debug: "};
	char now[CLOCK_TEXT_SIZE];
	int size = 0;

	if (log->kind == LOG_TO_STDERR) {
		size = snprintf(line, LOG_LINE_MAX, "cairn: %s", words[level]);
	} else if (log->kind == LOG_TO_FILE) {
		clock_format(clock_realtime() / NS_PER_SECOND, now);
		size = snprintf(line, LOG_LINE_MAX, "%s %s", now, words[level]);
	}
	return (size_t)size;
}

/* `text` is clean. */
static void log_line(struct log *log, enum log_level level, const char *text)
{
	static const int priorities[] = {
		LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG};
	char line[LOG_LINE_MAX];
	size_t size = put_head(log, level, line);

	/* One byte stays free for the newline. */
	snprintf(line + size, sizeof line - size - 1, "%s", text);
	if (log->kind == LOG_TO_SYSLOG) {
		syslog(priorities[level], "%s", line);
		return;
	}
	if (log->kind == LOG_TO_JOURNAL) {
		journal_send(
			priorities[level], log->ident, line, log->mountpoint, log->url);
		return;
	}
	if (log->before)
		log->before();
	size = strlen(line);
	line[size] = '\n';
	/* A log that cannot be written has nobody left to tell. */
	(void)io_write_full(log->fd, line, size + 1);
}

/* Gives its line back. */
static void tell_of_cause(struct log *log, struct log_cause *over)
{
	char text[LOG_LINE_MAX];

	if (!over->first)
		return;
	snprintf(text, sizeof text, "%.*s (and %llu more like this)", LOG_LINE_MAX - 64,
		over->first, (unsigned long long)over->more);
	log_line(log, (enum log_level)over->level, text);
	free(over->first);
}

static void tell_of_repeated(struct log *log, int64_t now)
{
	struct log_cause over;

	while (log_causes_next_over(&log->causes, now, &over))
		tell_of_cause(log, &over);
}

void log_tick(struct log *log)
{
	if (log)
		tell_of_repeated(log, clock_monotonic());
}

void log_free(struct log *log)
{
	if (!log)
		return;
	tell_of_repeated(log, INT64_MAX);
	log_causes_release(&log->causes);
	if (log->kind == LOG_TO_SYSLOG)
		closelog();
	if (log->kind == LOG_TO_FILE)
		close(log->fd);
	free(log->ident);
	free(log->mountpoint);
	free(log->url);
	free(log);
}

enum log_level log_level_of(enum log_level least, int verbose)
{
	if (verbose <= 0)
		return least;
	return verbose == 1 ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG;
}

bool log_takes(const struct log *log, enum log_level level)
{
	return log && level <= log->level;
}

void log_set_mount(struct log *log, const char *mountpoint, const char *url)
{
	if (!log || log->mountpoint || log->url)
		return;
	log->mountpoint = strdup(mountpoint);
	log->url = strdup(url);
}

static void log_put(struct log *log, enum log_level level, const char *fmt, va_list args)
	__attribute__((format(printf, 3, 0)));

static void log_put(struct log *log, enum log_level level, const char *fmt, va_list args)
{
	struct log_cause over = {.first = NULL};
	int saved = errno;
	char text[LOG_LINE_MAX];
	bool write = true;

	if (!log_takes(log, level))
		return;
	vsnprintf(text, sizeof text, fmt, args);
	/* Names and server texts must not forge lines. */
	printable_clean(text);
	/* Who asks for each fetch gets each. */
	if (level < LOG_LEVEL_INFO)
		write = log_causes_note(
			&log->causes, level, text, clock_monotonic(), &over);
	tell_of_cause(log, &over);
	if (write)
		log_line(log, level, text);
	errno = saved;
}

void log_error(struct log *log, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_put(log, LOG_LEVEL_ERROR, fmt, args);
	va_end(args);
}

void log_warning(struct log *log, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_put(log, LOG_LEVEL_WARNING, fmt, args);
	va_end(args);
}

void log_notice(struct log *log, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_put(log, LOG_LEVEL_NOTICE, fmt, args);
	va_end(args);
}

void log_info(struct log *log, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_put(log, LOG_LEVEL_INFO, fmt, args);
	va_end(args);
}

void log_debug(struct log *log, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_put(log, LOG_LEVEL_DEBUG, fmt, args);
	va_end(args);
}
