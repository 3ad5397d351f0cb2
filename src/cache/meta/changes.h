/* SPDX-License-Identifier: MIT */
/*
 * What the books are asked to note in one transaction, and what came of it. Plain values:
 * whoever asks keeps his objects, files and threads to himself, and does with the outcome
 * what is his to do (close, unlink, ask again). All arrays are the caller's but those of
 * the outcome.
 */
#ifndef CAIRN_CACHE_META_CHANGES_H
#define CAIRN_CACHE_META_CHANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/meta/trust_epoch.h"
#include "cache/meta/verified_pages.h"
#include "format/blob_buffer.h"
#include "format/object_id.h"
#include "util/digest.h"

enum change_kind {
	CHANGE_MARK,	/* a chunk's bytes are in the object's file */
	CHANGE_DROP,	/* they are rotten */
	CHANGE_LOSE,	/* the whole object is to go */
	CHANGE_USE,	/* it was used */
	CHANGE_TRUST,	/* every chunk present was hashed in this generation */
	CHANGE_MEASURE, /* its file was seen to take `size` bytes of disk */
	CHANGE_ADOPT,	/* its file is another one: nothing in it is trusted */
	CHANGE_FLUSHED, /* this user's marks up to `sequence` are on the disk */
};

enum change_result {
	CHANGE_NOTHING,
	CHANGE_DONE,
	CHANGE_STALE, /* not for the instance, or the file, that the record is of */
	CHANGE_ENDED, /* the instance, or what is known of it, is no longer valid */
};

/* A change to one object's record, if that is of the same instance. */
struct change {
	enum change_kind kind;
	size_t number; /* order of arrival: changes are sorted by object, then by this */
	struct object_id object;
	uint64_t instance;
	uint64_t ordinal, start, size; /* MARK, DROP: the chunk's place, bytes; MEASURE */
	struct digest chunk;	       /* MARK: its digest */
	int64_t seconds;	       /* MARK, USE: when, since 1970 */
	uint64_t generation;	       /* MARK, TRUST: that the object was opened in */
	uint64_t file;		       /* MARK, TRUST, ADOPT: the number of the open one */
	uint64_t sequence;	       /* MARK, FLUSHED: rising for each user */
	/* MARK: where there is no record of the object, make one. */
	bool creates;
	uint64_t object_size, chunks;
	enum change_result result; /* out */
};

struct pin_change {
	char *name;
	struct object_id object;
};

/* What is known of the file of an object that was thrown out. */
enum victim_state {
	VICTIM_HELD,  /* somebody has it open, for a moment: it is on the disk, its space is
		       * to come */
	VICTIM_GONE,  /* nobody has it any more; the file system frees its space late */
	VICTIM_STUCK, /* it cannot be removed, or is held for long: it is on the disk, and
		       * nobody knows until when */
};

/* An object that was thrown out, or is proposed to be. */
struct victim {
	struct object_id object;
	uint64_t instance; /* 0: none, only a row of the order that leads nowhere */
	int64_t last_use;  /* the row that it has in the order of eviction */
	uint64_t cost;	   /* bytes of disk */
	uint64_t resident; /* bytes of its chunks */
	int64_t since;	   /* that it is one, seconds since 1970 */
	enum victim_state state;
};

struct victim_note {
	uint64_t instance;
	enum victim_state state;
};

struct changes {
	struct trust_epoch epoch; /* that marks are made under */
	uint32_t user;		  /* whose lease it is */
	int64_t now;		  /* seconds since 1970 */
	uint64_t disk_free;	  /* bytes, as the file system says */

	struct change *ops; /* sorted in place */
	size_t op_count;
	struct blob_buffer **pages;
	size_t page_count;
	struct verified_pages *used_pages; /* that go last of all; may be NULL */
	struct digest *rotten;		   /* pages to delete, before the others are put */
	size_t rotten_count;
	struct pin_change *pins;
	size_t pin_count;

	/* To be thrown out; their files are locked against being lent. */
	const struct victim *victims;
	size_t victim_count;
	bool even_pinned;
	/* They go only as long as `need` more bytes cannot be had: others may have made
	 * room meanwhile. */
	bool if_short;
	uint64_t need;
	const uint64_t *seen; /* instances of victims whose space is free by now */
	size_t seen_count;
	const struct victim_note *notes; /* what has become of others */
	size_t note_count;
	const uint32_t *dead; /* users that died: their leases lapse */
	size_t dead_count;

	/* The lease: bytes granted and not yet resident, of them reserved, waited for. */
	bool renew;	/* look at the lease at all */
	bool only_need; /* no more than is waited for: the rest was in vain */
	uint64_t leased, used, demand;
	bool shrink; /* it was made smaller: note that */
};

/* Why the books may not grow: then nothing new is kept. */
enum growth {
	GROWTH_FREE,
	GROWTH_READER, /* somebody reads an old state of them (readers.h), and does not end
			*/
	GROWTH_CAP,    /* their file has its full size, and nothing in it can go */
};

struct outcome {
	uint64_t released; /* cost of all marks: no longer reserved */
	uint64_t leased;   /* the lease now, bytes */
	bool granted;	   /* the demand is met */
	bool pages_kept;   /* the pages were put */
	uint64_t short_of; /* bytes to be made free before the rest can be granted; 0 */
	uint64_t need;	   /* of `short_of`: bytes that are to be had */
	bool awaited;	   /* what is missing is still to become free */
	bool enough;	   /* not all victims had to go */
	bool in_vain;	   /* that many cannot be: only leases of the dead can help */
	bool more;	   /* rows of what was thrown out are left: another transaction */
	enum growth growth;
	int reader;	     /* the process that GROWTH_READER is about */
	bool rot;	     /* a record was rotten: totals are to be counted again */
	uint64_t freed;	     /* resident bytes of the victims */
	struct victim *gone; /* whose files are to be unlinked; heap */
	size_t gone_count, gone_capacity;
};
void outcome_release(struct outcome *o);

#endif
