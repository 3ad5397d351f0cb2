/* SPDX-License-Identifier: MIT */
/*
 * One line for each thing worth a line, to stderr, syslog or a file. A log is made
 * by cli/ and handed down; a NULL log is silent. Control bytes become '?',
 * a line is at most 2 KiB, errno is kept. Of lines up to NOTICE that tell the same
 * (log_causes.h) one is written in a minute, and at its end how many more there were. Any
 * thread.
 */
#ifndef CAIRN_UTIL_LOG_H
#define CAIRN_UTIL_LOG_H

#include <stdbool.h>

/* NOTICE: what happens to a mount now and then. INFO: with -v, each fetch. DEBUG: with -vv,
 * each request. */
enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_NOTICE,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};
/* `least`, or with each -v one more from INFO on. */
enum log_level log_level_of(enum log_level least, int verbose);

struct log;
struct log *log_new_stderr(enum log_level level);
/* After a daemon has let go of its terminal: the journal of systemd where there is one,
 * else syslog(3), under `ident`. */
struct log *log_new_syslog(enum log_level level, const char *ident);
/* Appends to `path`; NULL and errno when it cannot be opened. */
struct log *log_new_file(enum log_level level, const char *path);
/* Before each line, on the thread that writes it; NULL: nothing. So that what stands on the
 * terminal may go. Before others use the log. */
void log_before_line(struct log *log, void (*before)(void));
/* Are lines of that level written? For who would have to make one up first. */
bool log_takes(const struct log *log, enum log_level level);
/* From now on each entry of the journal has CAIRN_MOUNTPOINT and CAIRN_URL as well. Before
 * other threads log. */
void log_set_mount(struct log *log, const char *mountpoint, const char *url);
/* Tells of what is still to be told. */
void log_free(struct log *log);
/* Now and then: tells of what was repeated in a minute that is over. */
void log_tick(struct log *log);

void log_error(struct log *log, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_warning(struct log *log, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void log_notice(struct log *log, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void log_info(struct log *log, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_debug(struct log *log, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
