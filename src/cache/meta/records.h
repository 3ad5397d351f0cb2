/* SPDX-License-Identifier: MIT */
/*
 * What lies in the metadata's tables: structs <-> values, each number checked before it
 * is believed (table.h has checked that the value is as it was written). Values are in
 * native byte order; the layout record says which. Any thread.
 */
#ifndef CAIRN_CACHE_META_RECORDS_H
#define CAIRN_CACHE_META_RECORDS_H

#include "cache/meta/table.h"
#include "format/blob.h"
#include "format/object_id.h"

#define OBJECT_SIZE_CAP ((uint64_t)1 << 50)   /* bytes of an object that is kept */
#define OBJECT_CHUNKS_CAP ((uint64_t)1 << 24) /* its bitmap is 2 MiB */
#define BITMAP_WORDS(chunks) (((chunks) + 63) / 64)

/* A chunk's cost: the file system blocks that it touches, in bytes. */
uint64_t chunk_cost(uint64_t start, uint64_t size);

/* An object's key in the tables. ERR_CORRUPT. */
int object_key_decode(struct span key, struct object_id *out);
static inline struct span span_of_object(const struct object_id *id)
{
	return (struct span){id->digest.bytes, OBJECT_ID_SIZE};
}

#define GENERATION_NONE 0 /* no cache is of it */
struct object_record {
	uint64_t size;	     /* bytes */
	uint64_t chunks;     /* 1..OBJECT_CHUNKS_CAP */
	uint64_t instance;   /* names the file, see object_files.h */
	uint64_t generation; /* of the cache, under which all marks were made or checked; or
			      * GENERATION_NONE */
	int64_t last_use;    /* seconds since 1970 */
	uint64_t resident;   /* bytes of the chunks present */
	uint64_t cost;	  /* of the chunks present; or, if more was seen to lie in its file
			   * (written by who was killed then), of all of that */
	uint64_t present; /* chunks */
	uint64_t drops;	  /* chunks that were found rotten and dropped, ever */
	uint64_t file;	  /* that marks were made in: object_file_number() */
	uint64_t *bitmap; /* heap, BITMAP_WORDS(chunks); or NULL */
};
/* What its cost can be: at least what is resident, at most all of its chunks. */
uint64_t object_record_clamp_cost(const struct object_record *r, uint64_t cost);
/* ERR_ABSENT, ERR_CORRUPT, ERR_NO_MEMORY. */
int object_record_get(struct metadata *m, MDB_txn *txn, const struct object_id *id,
	struct object_record *out);
/* Without the bitmap; from a value that was checked. */
int object_record_peek(struct span value, struct object_record *out);
/* With it; ERR_NO_MEMORY too. */
int object_record_decode(struct span value, struct object_record *out);
int object_record_put(struct metadata *m, MDB_txn *txn, const struct object_id *id,
	const struct object_record *r);
void object_record_release(struct object_record *r);

/* Where a chunk lies in its object's file. */
struct chunk_record {
	uint64_t start; /* bytes */
	uint64_t size;	/* 1..CHUNK_SIZE_MAX */
	struct digest digest;
};
int chunk_record_get(struct metadata *m, MDB_txn *txn, uint64_t instance, uint64_t ordinal,
	struct chunk_record *out);
int chunk_record_put(struct metadata *m, MDB_txn *txn, uint64_t instance, uint64_t ordinal,
	const struct chunk_record *r);
#define CHUNK_KEY_SIZE 16
struct span chunk_key(uint64_t instance, uint64_t ordinal, uint8_t key[CHUNK_KEY_SIZE]);
/* The part of it that all rows of an instance begin with. */
struct span instance_key(uint64_t instance, uint8_t key[CHUNK_KEY_SIZE]);
int instance_key_decode(struct span key, uint64_t *instance);
int chunk_key_decode(struct span key, uint64_t *instance, uint64_t *ordinal);
int chunk_record_decode(struct span value, struct chunk_record *out);

/* A place where a chunk lies. */
struct place_record {
	struct object_id object;
	uint64_t instance;
	uint64_t ordinal;
};
int place_record_get(struct metadata *m, MDB_txn *txn, const struct digest *chunk,
	struct place_record *out);
int place_record_put(struct metadata *m, MDB_txn *txn, const struct digest *chunk,
	const struct place_record *r);

/* Rows in the order of eviction; pinned objects have none. */
#define USE_KEY_SIZE (8 + OBJECT_ID_SIZE)
struct span use_key(
	int64_t last_use, const struct object_id *id, uint8_t key[USE_KEY_SIZE]);
int use_key_decode(struct span key, int64_t *last_use, struct object_id *id);

/* Pages: a head and the packed bytes. */
struct page_head {
	uint32_t kind; /* enum blob_kind */
	uint32_t size;
};
/* Splits a value (checked or not) into kind and packed bytes. */
int page_record_decode(struct span value, enum blob_kind *kind, struct span *packed);
int page_record_put(struct metadata *m, MDB_txn *txn, const struct digest *digest,
	enum blob_kind kind, struct span packed);

/* Settings. A getter gives ERR_ABSENT before the first put. */
struct layout_record {
	uint32_t layout;
	uint32_t order; /* LAYOUT_ORDER as this machine writes it */
};
#define LAYOUT_ORDER UINT32_C(0x01020304)
struct limits_record {
	uint64_t quota, floor; /* bytes */
};
struct totals_record {
	uint64_t resident; /* bytes of chunks present, of all objects */
	uint64_t cost;	   /* theirs */
	uint64_t changes;  /* objects and chunks thrown out, ever: who holds an older number
			    * looks at what it has in memory */
};
int setting_get(struct metadata *m, MDB_txn *txn, const char *name, void *out, size_t size);
int setting_put(
	struct metadata *m, MDB_txn *txn, const char *name, const void *value, size_t size);
#define SETTING_LAYOUT "layout"
#define SETTING_LIMITS "limits"
#define SETTING_BOOT "boot" /* trust_epoch.c's */
#define SETTING_TOTALS "totals"
#define SETTING_SCRUB "scrub" /* scrub_record.c's */

/* Bytes that a user of the cache may write before it asks again. */
int lease_put(struct metadata *m, MDB_txn *txn, uint32_t user, uint64_t bytes);
int lease_delete(struct metadata *m, MDB_txn *txn, uint32_t user);
int lease_decode(struct span key, const MDB_val *raw, uint32_t *user, uint64_t *bytes);

#endif
