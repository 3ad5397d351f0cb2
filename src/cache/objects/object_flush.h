/* SPDX-License-Identifier: MIT */
/*
 * Is what was written to an object's file on the disk? Until it was flushed, the kernel may
 * fail to write it back, say so once to each descriptor that was open then (errseq_t,
 * Linux 4.13), and from then on give back what the disk has: zeros. So whoever reads what
 * is not known to be flushed asks afterwards (object_has_failed()), and the flusher
 * (write/flusher.h) flushes by the descriptors that were there before the bytes. Any
 * thread, but for those of the flusher.
 */
#ifndef CAIRN_CACHE_OBJECTS_OBJECT_FLUSH_H
#define CAIRN_CACHE_OBJECTS_OBJECT_FLUSH_H

#include "cache/objects/object.h"

/* All that is in it was on the disk when it was opened. */
void object_set_flushed(struct object *o);
bool object_is_flushed(const struct object *o);
/* Did a write-back of its file fail since it was opened, or may it have? A look, which
 * waits for nothing; where the kernel does not tell, only a flush finds out. */
bool object_has_failed(struct object *o);

/* For the flusher: starts to write what is dirty ... */
void object_begin_flush(struct object *o);
/* ... and has all that was written before the begin on the disk, or an error, which is
 * remembered; ERR_UNSUPPORTED: that cannot be had here. `synced`: the file system was
 * flushed since, one that tells of each file whether that failed. */
int object_end_flush(struct object *o, bool synced);

#endif
