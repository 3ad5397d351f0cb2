/* SPDX-License-Identifier: MIT */
#include "fs/readahead.h"

#include <stddef.h>
#include <string.h>

/* The kernel's own readahead hands requests to several threads, so that a sequential
 * reader's arrive a little out of order: hence the slack. */
static int continues(const struct stream *s, uint64_t offset, uint64_t slack)
{
	uint64_t distance = offset > s->next ? offset - s->next : s->next - offset;

	return s->age && distance <= slack;
}

static struct stream *find(struct readahead *r, uint64_t offset, uint64_t slack)
{
	for (size_t i = 0; i < READAHEAD_STREAMS; i++)
		if (continues(&r->streams[i], offset, slack))
			return &r->streams[i];
	return NULL;
}

static struct stream *oldest(struct readahead *r)
{
	struct stream *s = &r->streams[0];

	for (size_t i = 1; i < READAHEAD_STREAMS; i++)
		if (r->streams[i].age < s->age)
			s = &r->streams[i];
	return s;
}

/* A new window is given out when half of the last one is used up. */
static struct run advance(struct stream *s, const struct readahead_limits *limits)
{
	struct run run;

	if (s->window && s->next + s->window / 2 < s->reached)
		return (struct run){0, 0};
	s->window = s->window ? s->window * 2 : limits->first;
	if (s->window > limits->most)
		s->window = limits->most;
	run.start = s->reached > s->next ? s->reached : s->next;
	run.size = s->next + s->window - run.start;
	s->reached = s->next + s->window;
	return run;
}

struct run readahead_note(struct readahead *r, const struct readahead_limits *limits,
	uint64_t offset, uint64_t size)
{
	struct stream *s;
	uint64_t end;

	if (limits->most == 0 || __builtin_add_overflow(offset, size, &end) ||
		end > UINT64_MAX / 2)
		return (struct run){0, 0};
	s = find(r, offset, limits->slack);
	if (!s) {
		s = oldest(r);
		*s = (struct stream){.next = end, .age = ++r->clock};
		return (struct run){0, 0};
	}
	s->age = ++r->clock;
	if (end > s->next)
		s->next = end;
	return advance(s, limits);
}
