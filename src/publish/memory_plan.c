/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "format/blob.h"
#include "publish/memory_plan.h"
#include "publish/scratch.h"

#define MEMORY_DEFAULT ((uint64_t)256 << 20)
#define MEMORY_MIN ((uint64_t)64 << 20)
#define JOBS_MAX 256
#define ITEMS_PART 8  /* of the memory: entries that wait for their page */
#define LINKS_PART 16 /* of the memory: hard links */
#define BUFFERS_MIN 2 /* for each job */
/* A job takes a scratch and a buffer or two; what is left is for more buffers. */
#define JOB_SIZE (SCRATCH_SIZE + BUFFERS_MIN * (uint64_t)CHUNK_SIZE_MAX)

static uint64_t choose_memory(unsigned jobs, uint64_t memory, uint64_t limit)
{
	if (memory == 0) {
		memory = 2 * jobs * JOB_SIZE;
		memory = memory > MEMORY_DEFAULT ? memory : MEMORY_DEFAULT;
		memory = memory < limit / 2 ? memory : limit / 2;
	}
	return memory < MEMORY_MIN ? MEMORY_MIN : memory;
}

struct memory_plan memory_plan_of(unsigned jobs, uint64_t memory, uint64_t limit)
{
	struct memory_plan plan = {.jobs = jobs < JOBS_MAX ? jobs : JOBS_MAX};
	uint64_t most, taken;

	memory = choose_memory(plan.jobs, memory, limit);
	most = memory / 2 / JOB_SIZE;
	if (plan.jobs > most)
		plan.jobs = most > 0 ? (unsigned)most : 1;
	plan.items = memory / ITEMS_PART;
	plan.hardlinks = memory / LINKS_PART;
	plan.buffers = BUFFERS_MIN * plan.jobs;
	taken = plan.jobs * (uint64_t)SCRATCH_SIZE + plan.items + plan.hardlinks;
	if (memory > taken && (memory - taken) / CHUNK_SIZE_MAX > plan.buffers)
		plan.buffers = (unsigned)((memory - taken) / CHUNK_SIZE_MAX);
	return plan;
}
