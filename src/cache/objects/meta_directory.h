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
/* Is there, under the name of a file of meta/, what is none: a directory, a FIFO, as a file
 * system's repair may leave it? LMDB would wait for a FIFO's other end. A symbolic link is
 * somebody's doing, and refused when it is opened. */
bool meta_directory_is_odd(struct directory *d);
/* A mark that says so to all who use the cache and to the next who opens it. */
void meta_directory_mark_damaged(struct directory *d);
bool meta_directory_is_damaged(struct directory *d);

#endif
