/* SPDX-License-Identifier: MIT */
/*
 * The token of a bearer token file (RFC 6750). The file belongs to others, who replace it
 * when the token expires, and may lie where reads hang for ever: it is read on a thread of
 * the file reader, at most every second, and once more when a server refuses the token.
 * While it holds none, being written just now or gone, the last one that it held goes on.
 * For the fetcher's thread alone, but for what says otherwise.
 */
#ifndef CAIRN_NET_BEARER_H
#define CAIRN_NET_BEARER_H

#include <stdbool.h>
#include <stdint.h>

#include "net/file_reader.h"
#include "util/error.h"

struct bearer {
	const char *path;	   /* borrowed; NULL: there is no such file */
	struct file_reader *files; /* borrowed */
	struct file_read *look;	   /* under way; NULL: none */
	int64_t began, looked_at;  /* CLOCK_MONOTONIC ns: when that one began, and the last
				    * that has ended; 0: none has */
	char *token;		   /* the last good one; NULL: there was none */
	uint64_t number;	   /* of the token, from 1 on: another one has another */
	int error;		   /* of the last look; 0: the file holds the token */
};

void bearer_init(struct bearer *b, const char *path, struct file_reader *files);
/* Before the file reader is freed. */
void bearer_release(struct bearer *b);
/* Has a look that began at `since` or later ended? If not, and none is under way, one
 * begins. */
bool bearer_has_looked(struct bearer *b, int64_t since);
/* Before the token is used: begins a look, if the last is a second old. */
void bearer_refresh(struct bearer *b, int64_t now);
/* The look has ended: file_reader_next() has given it. */
void bearer_take(struct bearer *b);

/* Reads the token and waits for it, for some seconds. Any thread; *token is the caller's,
 * for bearer_wipe(). ERR_INVALID: it holds none, or is no regular file; ERR_TIMEOUT: its
 * file system does not answer; ERR_ABSENT, DENIED, LIMIT, NO_MEMORY, IO. */
int bearer_read(const char *path, char **token);
void bearer_wipe(char *token);
/* What such an error means, beginning with the file's name. Returns `code`, in `t`, too. */
int bearer_explain(const char *path, int error, int code, struct trouble *t);

#endif
