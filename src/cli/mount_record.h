/* SPDX-License-Identifier: MIT */
/*
 * What is noted of a running mount for others (mounts.h), and its JSON. Blocking file I/O.
 */
#ifndef CAIRN_CLI_MOUNT_RECORD_H
#define CAIRN_CLI_MOUNT_RECORD_H

#include <sys/types.h>

#include "cli/reader.h"

struct mount_record {
	char *mountpoint; /* absolute, resolved */
	char *url;
	char *cache; /* absolute, resolved */
	char *trust; /* public key as text */
	char *cacert, *client_cert, *client_key, *bearer_file, *proxy; /* or NULL */
	bool netrc;
	uint64_t revision; /* that is mounted */
	pid_t pid;
	/* Not in the note: */
	char *socket; /* where it is asked: control/control.h */
	uid_t owner;
};
/* Leaves zeros. */
void mount_record_release(struct mount_record *m);
/* Appends the note of this process. ERR_NO_MEMORY, and ERR_CORRUPT for a text that JSON
 * cannot have. */
int mount_record_encode(const char *mountpoint, const struct reader_options *o,
	const struct reader *r, uint64_t revision, struct bytes *out);
/* The file of that name; but for `socket` and `owner`. It may be another user's: a FIFO, a
 * link, whatever. ERR_CORRUPT, ERR_INVALID, ... */
int mount_record_read(int dir, const char *name, struct mount_record *out);

#endif
