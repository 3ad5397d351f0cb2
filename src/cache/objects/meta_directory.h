/* SPDX-License-Identifier: MIT */
/*
 * meta/ of the cache's directory (directory.h), the books' place: made, marked as damaged,
 * and moved aside for another. Blocking; any thread.
 */
#ifndef CAIRN_CACHE_OBJECTS_META_DIRECTORY_H
#define CAIRN_CACHE_OBJECTS_META_DIRECTORY_H

#include "cache/objects/directory.h"

/* From here to meta_directory_release() nobody else opens meta/ or sets it aside.
 * `deadline` is of CLOCK_MONOTONIC, ns. ERR_TIMEOUT with a sentence. */
int meta_directory_hold(struct directory *d, int64_t deadline, struct trouble *t);
void meta_directory_release(struct directory *d);
/* meta/, made when it is not there, with its path (heap). */
int meta_directory_open(struct directory *d, char **path, struct trouble *t);
/* Marks meta/ as damaged, for whoever has it open, and moves it aside as meta.damaged (the
 * last such one only). */
int meta_directory_set_aside(struct directory *d, struct trouble *t);
/* Before LMDB opens what lies in meta/. ERR_CORRUPT: it is to be set aside. Either there is
 * something else than a file under the name of one, as a file system's repair may leave it
 * (LMDB would wait for a FIFO's other end); or others have it open, of whose two files
 * somebody has removed one: with another in its place we would not see what they write, or
 * who reads, and neither would they. A symbolic link is somebody's doing, and refused. */
int meta_directory_look(struct directory *d, struct trouble *t);
/* Is `data`, open, still the file of the metadata that others would open? */
bool meta_directory_has(const struct directory *d, int data);
/* A mark that says so to all who use the cache and to the next who opens it. */
void meta_directory_mark_damaged(struct directory *d);
bool meta_directory_is_damaged(struct directory *d);

#endif
