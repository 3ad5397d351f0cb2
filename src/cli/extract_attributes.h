/* SPDX-License-Identifier: MIT */
/*
 * Owner, xattrs, mode and times of an extracted entry, for extract.c. What cannot be set
 * is a warning: owners and some attributes need root. The tool's thread; blocking.
 */
#ifndef CAIRN_CLI_EXTRACT_ATTRIBUTES_H
#define CAIRN_CLI_EXTRACT_ATTRIBUTES_H

#include "format/entry.h"
#include "util/error.h"

/* Is told what could not be set (an owner, an attribute), and of which path. */
typedef void (*extract_warn_fn)(void *ctx, const struct trouble *t);

/* Files and directories. `path` is for the warnings. */
void extract_attributes_fd(
	int fd, const struct entry *e, const char *path, extract_warn_fn warn, void *ctx);
/* What cannot be opened without effects: symlinks, devices, fifos, sockets. */
void extract_attributes_at(int dirfd, const char *name, const struct entry *e,
	const char *path, extract_warn_fn warn, void *ctx);

#endif
