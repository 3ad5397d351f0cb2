/* SPDX-License-Identifier: MIT */
/*
 * The parts of an open cache, for the files of this room.
 *
 * How they fit: attempts read pages from metadata and chunks through objects (handles
 * keeps them open). What is put goes to the committer, whose thread makes one
 * transaction of all that is pending (round); within it, room throws out objects when
 * quota or floor ask for it, and the ledger gets its lease. Lock order: a ledger's,
 * committer's, stripe's or object's mutex is a leaf; none is held while another is taken
 * or over disk I/O. metadata.h says its own.
 */
#ifndef CAIRN_CACHE_STATE_H
#define CAIRN_CACHE_STATE_H

#include <stdatomic.h>

#include "cache/cache.h"
#include "cache/objects/directory.h"
#include "cache/write/reservation.h"
#include "cache/meta/metadata.h"

/* Digests of pages whose checksum was verified by this process, in sets: a slot holds
 * a part of the digest that the set's index has not. 512 KiB, room for the pages of 16
 * million entries. */
#define VERIFIED_SETS 8192
#define VERIFIED_WAYS 8

struct cache {
	struct log *log;
	struct directory directory;
	struct metadata *metadata;
	struct open_objects *open_objects;
	struct reservation reservation;
	struct committer *committer;
	uint64_t boot;			 /* a hash of the machine's boot id */
	uint64_t generation;		 /* see struct boot_record; fixed at open */
	atomic_uint_least32_t instances; /* made by this process */
	atomic_uint_least64_t verified[VERIFIED_SETS][VERIFIED_WAYS];
};

#endif
