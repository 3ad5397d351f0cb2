/* SPDX-License-Identifier: MIT */
/*
 * What `cairn mount` was asked for, and the words that -o and fstab may hold. For
 * cmd_mount.c and the two processes of a mount. No I/O but a sentence on stderr for a word
 * that makes no sense.
 */
#ifndef CAIRN_CLI_MOUNT_OPTIONS_H
#define CAIRN_CLI_MOUNT_OPTIONS_H

#include "cli/reader_options.h"
#include "fs/session.h"
#include "util/bytes.h"

struct mount_request {
	struct reader_options reader;
	struct session_options session;
	struct bytes fuse_options; /* for libfuse, NUL-terminated by mount_request_finish */
	bool foreground;
	bool revisions;	     /* there is a .cairn */
	int64_t follow;	     /* seconds; 0: only when told to */
	const char *metrics; /* HOST:PORT or a file: metrics_where.h; or NULL */
	bool profile;	     /* fetch ahead what programs will read ... */
	const char
		*profile_file; /* ... by this, an absolute path; NULL: the dataset's own */
	const char *log_file;  /* NULL: syslog, or stderr in the foreground */
};

void mount_request_init(struct mount_request *m);
/* Not the texts that are borrowed from the command line. */
void mount_request_release(struct mount_request *m);
/* One -o argument: comma-separated. `text` is borrowed and cut up. EXIT_USE (said
 * already) when a word is unknown or makes no sense. */
int mount_request_words(struct mount_request *m, char *text);
/* Puts what was collected where the session finds it. Once, after the last word.
 * ERR_NO_MEMORY. */
int mount_request_finish(struct mount_request *m);

#endif
