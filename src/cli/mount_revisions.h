/* SPDX-License-Identifier: MIT */
/*
 * Where the revisions below `.cairn` of a mount come from (fs/dot_cairn.h): its dataset,
 * with the key, the limits and the credentials of the mount.
 */
#ifndef CAIRN_CLI_MOUNT_REVISIONS_H
#define CAIRN_CLI_MOUNT_REVISIONS_H

#include "cli/mount_options.h"
#include "cli/reader.h"
#include "fs/revision_source.h"

struct mount_revisions {
	const struct mount_request *request;
	struct reader *reader;
	struct revision_source source;
};
/* Borrows both. */
void mount_revisions_init(
	struct mount_revisions *v, const struct mount_request *m, struct reader *r);

#endif
