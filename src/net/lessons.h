/* SPDX-License-Identifier: MIT */
/*
 * What a try that is over teaches about those it dealt with: the health of its servers, how
 * often they want to be asked, how much may be on its way from them. For the fetcher's
 * thread; takes the mutex of the mirrors.
 */
#ifndef CAIRN_NET_LESSONS_H
#define CAIRN_NET_LESSONS_H

#include <stdint.h>

#include "net/fetch_try.h"
#include "net/try_result.h"
#include "util/log.h"

/* `now`: when it ended. A server that asks to slow down is warned of in the log. */
void lessons_take(
	struct fetch_try *t, const struct try_result *result, struct log *log, int64_t now);

#endif
