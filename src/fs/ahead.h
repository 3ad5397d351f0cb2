/* SPDX-License-Identifier: MIT */
/*
 * What is fetched because somebody has read something else: the next bytes of a file that
 * is read in order, the next objects for who goes through small files. Nobody waits for
 * it. Runs on the FUSE thread after its reply; does no I/O but page faults of the cache's
 * metadata.
 */
#ifndef CAIRN_FS_AHEAD_H
#define CAIRN_FS_AHEAD_H

struct entry;
struct request;

/* A read's step has found its file: what ahead_fetch() needs to know of it. */
void ahead_see(struct request *r, const struct entry *e);
/* After a read was tried for the first time. */
void ahead_fetch(struct request *r);

#endif
