/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "net/progress.h"
#include "util/clock.h"

#define BYTE_WORTH (NS_PER_SECOND / PROGRESS_LEAST)

void progress_begin(struct progress *p, int64_t now)
{
	p->paid = now;
}

static void pay_until(struct progress *p, int64_t until)
{
	if (until <= p->paid)
		return;
	p->total += until - p->paid;
	p->paid = until;
}

static void renew_until(struct fetch *fetch, int64_t until)
{
	if (fetch->patience > 0 && until > fetch->deadline)
		fetch->deadline = until;
}

void progress_note(
	struct progress *p, struct fetch *fetch, uint64_t size, int64_t heard, int64_t now)
{
	int64_t earned, until;

	if (size <= fetch->state.got)
		return;
	earned = (int64_t)(size - fetch->state.got) * BYTE_WORTH;
	fetch->state.got = size;
	pay_until(p, p->paid + earned < now ? p->paid + earned : now);
	if (fetch->deadline == DEADLINE_NONE)
		return;
	until = fetch->deadline + earned;
	if (until > heard + fetch->patience)
		until = heard + fetch->patience;
	renew_until(fetch, until);
}

void progress_complete(struct progress *p, int64_t now)
{
	pay_until(p, now);
}

void progress_queue(const struct progress *p, struct fetch *fetch)
{
	fetch->state.queued_at = p->total;
}

void progress_renew(const struct progress *p, struct fetch *fetch, int64_t now)
{
	int64_t gained = p->total - fetch->state.queued_at, until;

	fetch->state.queued_at = p->total;
	if (fetch->deadline == DEADLINE_NONE)
		return;
	until = fetch->deadline + gained;
	renew_until(fetch, until < now + fetch->patience ? until : now + fetch->patience);
}
