/* SPDX-License-Identifier: MIT */
/*
 * A worker's part in a bundle: reads its files one behind the other and stores it as one
 * blob. Started by the dispatcher; a failure is the publication's.
 */
#ifndef CAIRN_PUBLISH_BUNDLE_JOB_H
#define CAIRN_PUBLISH_BUNDLE_JOB_H

#include "publish/unit.h"

/* `job` is the unit's. Finishes the unit, after which it is not touched. */
void bundle_job_run(struct job *job);

#endif
