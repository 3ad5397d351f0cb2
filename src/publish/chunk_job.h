/* SPDX-License-Identifier: MIT */
/*
 * One chunk of a large file, to be hashed and stored: by a worker of its own, or at once
 * by the one that reads the file (object_job.h). A failure is the publication's.
 */
#ifndef CAIRN_PUBLISH_CHUNK_JOB_H
#define CAIRN_PUBLISH_CHUNK_JOB_H

#include "publish/object_read.h"

struct chunk_job {
	struct job job;
	struct object_read *read;
	uint64_t index;
	uint64_t offset; /* in the object */
	uint32_t size;	 /* bytes in `buffer` */
	uint8_t *buffer;
	bool named; /* `name` is known: the chunk is the object */
	struct digest name;
};

/* Stores the chunk, on this thread. */
int chunk_job_put(struct chunk_job *job, struct scratch *x, struct trouble *t);
/* Hands a copy of the job to the workers, and the buffer, which has to be of the
 * publication's, with it. ERR_NO_MEMORY: the buffer is still the caller's. */
int chunk_job_start(const struct chunk_job *model);

#endif
