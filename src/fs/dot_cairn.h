/* SPDX-License-Identifier: MIT */
/*
 * The directory `.cairn` in the root of a mount with -o revisions: revisions/N is each
 * revision that the store has, as a directory, and tags/NAME a symbolic link to the one
 * that a tag is on. It is in no listing of the root, and an entry of that name of the
 * dataset's goes before it. Its own directories are nodes of no revision; what is below
 * revisions/N is (retained.h). What only a server can tell is an errand (errands.h), and
 * goes on being said for DOT_CAIRN_FRESH. doc/decisions/revisions.md.
 */
#ifndef CAIRN_FS_DOT_CAIRN_H
#define CAIRN_FS_DOT_CAIRN_H

#include "fs/parked_look.h"
#include "fs/request.h"
#include "fs/revision_source.h"

#define DOT_CAIRN_NAME ".cairn"
#define DOT_CAIRN_FRESH (10 * NS_PER_SECOND)

struct filesystem;
struct fuse_entry_param;

/* Before the first request. ERR_NO_MEMORY, ERR_NO_THREADS. */
int dot_cairn_begin(struct filesystem *fs, const struct revision_source *source);
/* After the last one; before request_run_end(). Does nothing where there is none, as below.
 */
void dot_cairn_end(struct filesystem *fs);
void dot_cairn_free(struct filesystem *fs);

/* Tells of who waits for a manifest or a tag, as request_run_look() of who waits for blobs;
 * of at most DOT_CAIRN_LOOKS_MAX. *count grows by how many there are. Any thread, from
 * the beginning to dot_cairn_free(). */
#define DOT_CAIRN_LOOKS_MAX 64
int dot_cairn_look(struct filesystem *fs, unsigned *count, parked_look_fn each, void *ctx);

/* Is it what a lookup asks for that the dataset does not answer? Then its entry. */
bool dot_cairn_is(const struct request *r);
void dot_cairn_entry(struct filesystem *fs, struct fuse_entry_param *out);

#endif
