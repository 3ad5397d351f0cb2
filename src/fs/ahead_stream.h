/* SPDX-License-Identifier: MIT */
/*
 * The next bytes of a file that is read in order or in steps: what of them is not in the
 * cache is asked for. Runs on the FUSE thread after its reply, like all that is ahead.
 */
#ifndef CAIRN_FS_AHEAD_STREAM_H
#define CAIRN_FS_AHEAD_STREAM_H

struct request;

/* After a read: the file is the request's node, the bytes are its offset and size. */
void ahead_stream_fetch(struct request *r);

#endif
