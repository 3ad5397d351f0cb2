/* SPDX-License-Identifier: MIT */
/*
 * The workers' part in a large file: one reads it, finds the chunks and hashes the whole;
 * each chunk is a job of its own, so that one huge file keeps all busy. When all buffers
 * are taken the reader does a chunk itself, so nobody ever waits for a buffer. A file that
 * changed is read again; the unit ends with the last job of all its readings. Started by
 * the dispatcher; a failure is the publication's.
 */
#ifndef CAIRN_PUBLISH_OBJECT_JOB_H
#define CAIRN_PUBLISH_OBJECT_JOB_H

#include "publish/unit.h"

/* `job` is the unit's, which has this one job pending. */
void object_job_run(struct job *job);

#endif
