/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "net/partials.h"

#define PARTIAL_LEAST                                                                      \
	16384 /* bytes; fewer are sooner sent again than asked for by range                \
	       */

void partials_take(struct partials *p, struct fetch *fetch, struct bytes *body)
{
	p->bytes -= fetch->state.partial.size;
	*body = fetch->state.partial;
	bytes_init(&fetch->state.partial);
}

void partials_drop(struct partials *p, struct fetch *fetch)
{
	struct bytes body;

	partials_take(p, fetch, &body);
	bytes_release(&body);
}

void partials_keep(struct partials *p, struct fetch *fetch, struct bytes *body)
{
	if (!fetch->resumable || fetch->state.whole || body->size < PARTIAL_LEAST ||
		body->size <= fetch->state.partial.size)
		return;
	partials_drop(p, fetch);
	if (body->size > p->most || p->bytes > p->most - body->size)
		return;
	bytes_trim(body); /* there was memory for all of it, which others may need now */
	fetch->state.partial = *body;
	p->bytes += body->size;
	bytes_init(body);
}
