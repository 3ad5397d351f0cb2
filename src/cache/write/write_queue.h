/* SPDX-License-Identifier: MIT */
/*
 * What everybody hands over to be written into the books, many things for one transaction.
 * A page that waits for its commit is found here. Knows nobody above it: the writer's
 * thread (writer.h) takes batches and says what became of them.
 *
 * Any thread. Who puts pages or pins waits while too much is pending, for a bounded time;
 * who reserves waits for an answer, for a bounded time; who flushes waits for a commit or
 * for its failure. Everything else only hands over. write_queue_mtx is a leaf.
 */
#ifndef CAIRN_CACHE_WRITE_WRITE_QUEUE_H
#define CAIRN_CACHE_WRITE_WRITE_QUEUE_H

#include "cache/meta/changes.h"
#include "cache/objects/object.h"
#include "cache/write/reservation.h"

struct write_queue;
/* ERR_NO_MEMORY. */
int write_queue_new(struct write_queue **out);
/* Its writer has ended; what is pending is dropped. */
void write_queue_free(struct write_queue *q);

/* Reserves bytes for a chunk (see reservation.h). ERR_NO_SPACE; ERR_TIMEOUT: the books
 * could not be asked, which only the first one waits to find out. */
int write_queue_reserve(struct write_queue *q, uint64_t bytes);
struct reservation *write_queue_reservation(struct write_queue *q);

/* The chunk's bytes are in the object's file; releases what was reserved for them. */
int write_queue_mark(struct write_queue *q, struct object *o, const struct want *chunk);
/* The chunk's bytes are rotten. */
void write_queue_drop(struct write_queue *q, struct object *o, const struct want *chunk);
/* The whole object is to go, if it is that instance. `o` may be NULL. */
void write_queue_lose(struct write_queue *q, struct object *o, const struct object_id *id,
	uint64_t instance);
void write_queue_use(struct write_queue *q, struct object *o, int64_t seconds);
/* Every chunk present was hashed in this generation. */
void write_queue_trust(struct write_queue *q, struct object *o);
/* The file that is open is not the one that the record is of. */
void write_queue_adopt(struct write_queue *q, struct object *o);
/* What is marked later has a higher one. */
uint64_t write_queue_sequence(struct write_queue *q);
/* What was marked up to that sequence is on the disk. */
void write_queue_flushed(struct write_queue *q, struct object *o, uint64_t sequence);
/* ERR_NO_MEMORY, ERR_TIMEOUT. */
int write_queue_pin(struct write_queue *q, const char *pin, const struct object_id *object);

/* Shares the reference. ERR_NO_MEMORY; ERR_TIMEOUT: too much has waited for too long. */
int write_queue_put_page(struct write_queue *q, struct blob_buffer *page);
void write_queue_drop_page(struct write_queue *q, const struct digest *digest);
/* A page that waits, with a reference for the caller; NULL. */
struct blob_buffer *write_queue_find_page(
	struct write_queue *q, const struct digest *digest);

/* Somebody waits for the next transaction. */
void write_queue_urge(struct write_queue *q);
/* Totals are to be counted again, and files without a record removed. */
void write_queue_ask_repair(struct write_queue *q);
/* All that was handed over before is committed: 0, or the error of a commit since, whose
 * changes are lost. ERR_TIMEOUT: some of it still waits, for another process or the disk.
 */
int write_queue_flush(struct write_queue *q);

/* Marks and pages that were handed over and are in no books, so far. */
uint64_t write_queue_losses(struct write_queue *q);

/* For the writer. */

/* So many more. */
void write_queue_note_losses(struct write_queue *q, uint64_t count);
/* What one transaction is made of. Owned by the writer from take to done. */
struct batch {
	struct changes changes;
	struct object **objects; /* of changes.ops, by their number; references, or NULL */
	size_t op_capacity, object_capacity, page_capacity, rotten_capacity, pin_capacity;
	uint64_t goal; /* things handed over so far, of which this is the last */
};
struct work {
	bool commit; /* the batch is to be committed, even when it is empty */
	bool repair, idle, stop;
	struct batch batch;
};
/* Waits for work, at most a second, and lets more come together. */
void write_queue_take(struct write_queue *q, struct work *out);
/* The batch is in the books (rc 0) or nowhere, and is released: an object that it was the
 * last to use is no longer busy. `more`: there is still something to do. */
void write_queue_done(struct write_queue *q, struct batch *b, int rc, bool more);
/* It could not be tried yet: who waits is told, the batch stays the writer's. */
void write_queue_stalled(struct write_queue *q);
/* No more work comes after what is there. */
void write_queue_stop(struct write_queue *q);
bool write_queue_is_stopped(struct write_queue *q);

#endif
