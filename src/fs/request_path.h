/* SPDX-License-Identifier: MIT */
/* What a request is about, for words about it. Reads what is local; any thread. */
#ifndef CAIRN_FS_REQUEST_PATH_H
#define CAIRN_FS_REQUEST_PATH_H

#include "fs/entry_stat.h"
#include "fs/request.h"

/* The path below the mount point, as far as what is local tells. */
void request_path(const struct request *r, struct path *out);

#endif
