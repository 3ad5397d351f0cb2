/* SPDX-License-Identifier: MIT */
/*
 * The embedded server's log of requests, in the common log format that every analyser of
 * web logs reads: `ADDRESS - - [27/Nov/2026:02:41:29 +0000] "GET /path HTTP/1.1" 200 512`.
 * What a client sent is escaped (\xHH, as Apache does), so a line stays a line. One
 * write(2) a line, appending: any thread, and several processes may share the file.
 */
#ifndef CAIRN_NET_ACCESS_LOG_H
#define CAIRN_NET_ACCESS_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "util/error.h"

struct access_line {
	const struct sockaddr *address; /* NULL: not known */
	const char *method, *url, *version;
	unsigned status; /* of HTTP; 0: none was sent */
	uint64_t size;	 /* bytes of the answer's body */
	bool whole;	 /* sent to its end */
	int64_t seconds; /* since 1970, when it ended */
};

struct access_log;

/* `path` is borrowed, as long as the log lives; NULL: the standard error. */
int access_log_open(const char *path, struct access_log **out, struct trouble *t);
/* Opens the file anew, after it was moved away. On an error it goes on with the old one. */
int access_log_reopen(struct access_log *log, struct trouble *t);
void access_log_write(struct access_log *log, const struct access_line *line);
void access_log_close(struct access_log *log); /* NULL: nothing */

#endif
