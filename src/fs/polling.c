/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/polling.h"

bool polling_again(struct polling *p, int64_t now)
{
	if (p->streak < POLLING_STREAK || now < p->pause)
		return false;
	if (now - p->done < POLLING_TIME)
		return true;
	p->streak = 0;
	return false;
}

void polling_received(struct polling *p, int64_t now)
{
	if (now - p->done > POLLING_GAP)
		p->streak = 0;
	else if (p->streak < POLLING_STREAK)
		p->streak++;
}

void polling_done(struct polling *p, int64_t now)
{
	p->done = now;
}

void polling_preempted(struct polling *p, int64_t now, long preemptions)
{
	if (preemptions - p->preemptions >= POLLING_CROWD)
		p->pause = now + POLLING_PAUSE;
	p->preemptions = preemptions;
}
