/* SPDX-License-Identifier: MIT */
/* Owner, xattrs, mode and times of an extracted entry. What cannot be set is a warning:
 * owners and some attributes need root. */
#ifndef CAIRN_CLI_EXTRACT_ATTRIBUTES_H
#define CAIRN_CLI_EXTRACT_ATTRIBUTES_H

#include "cli/extract.h"

/* Files and directories. */
void extract_attributes_fd(
	int fd, const struct entry *e, const char *path, extract_warn_fn warn, void *ctx);
/* What cannot be opened without effects: symlinks, devices, fifos, sockets. */
void extract_attributes_at(int dirfd, const char *name, const struct entry *e,
	const char *path, extract_warn_fn warn, void *ctx);

#endif
