/* SPDX-License-Identifier: MIT */
/*
 * The one place that every request passes when it is over, whoever answers it: what is
 * counted and told of requests hangs here. Any thread that answers one.
 */
#ifndef CAIRN_FS_REQUEST_END_H
#define CAIRN_FS_REQUEST_END_H

#include "fs/answer.h"
#include "fs/request.h"

/* Before the reply goes out, so that who has it finds it counted. `answer`: what goes out
 * when `error` is 0; else NULL. Once for each request. */
void request_end(const struct request *r, int error, const struct answer *answer);

#endif
