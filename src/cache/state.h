/* SPDX-License-Identifier: MIT */
/*
 * The parts of an open cache, for the files of its face alone: what a room below needs,
 * it is given.
 *
 * How they fit: attempts read pages from the books and chunks through objects (a table
 * keeps them open). What is kept goes to the write queue; its writer makes one
 * transaction of all that is pending, and throws out objects when quota or floor ask for
 * it. Lock order: the mutex of a queue, reservation, stripe or object is a leaf; none is
 * held while another is taken or over disk I/O. meta/metadata.h says its own.
 */
#ifndef CAIRN_CACHE_STATE_H
#define CAIRN_CACHE_STATE_H

#include <stdatomic.h>

#include "cache/meta/metadata.h"
#include "cache/objects/bad_places.h"
#include "cache/objects/directory.h"
#include "cache/write/evicted_watch.h"
#include "cache/write/flusher.h"
#include "cache/write/writer.h"

struct cache {
	struct log *log;
	struct directory directory;
	struct metadata *metadata;
	struct verified_pages *verified;
	struct verified_pages *hashed; /* chunks, see object_io.c; NULL: none has to be */
	struct open_objects *open_objects;
	struct write_queue *queue;
	struct write_context write; /* the same, for the writer; and the epoch */
	struct writer *writer;
	struct flusher *flusher;
	struct evicted_watch *evicted_watch; /* or NULL */
	struct bad_places bad_places;	     /* has a lock of its own */
	atomic_uint_least32_t instances;     /* made by this process */
};

#endif
