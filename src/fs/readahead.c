/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/readahead.h"

#include <stddef.h>

#define OFFSET_MAX (UINT64_MAX / 2)

static const struct plan nothing = {{0, 0}, 0, 0};

/* The kernel's own readahead hands requests to several threads, so that a sequential
 * reader's arrive a little out of order: hence the slack. */
static int stream_continues(const struct stream *s, uint64_t offset, uint64_t slack)
{
	uint64_t distance = offset > s->next ? offset - s->next : s->next - offset;

	return s->age && distance <= slack;
}

static struct stream *find_stream_run(struct readahead *r, uint64_t offset, uint64_t slack)
{
	for (size_t i = 0; i < READAHEAD_STREAMS; i++)
		if (stream_continues(&r->streams[i], offset, slack))
			return &r->streams[i];
	return NULL;
}

static struct stream *find_next_step(struct readahead *r, uint64_t offset)
{
	for (size_t i = 0; i < READAHEAD_STREAMS; i++) {
		struct stream *s = &r->streams[i];

		if (s->age && s->stride && offset == s->start + s->stride)
			return s;
	}
	return NULL;
}

static struct stream *oldest_stream(struct readahead *r)
{
	struct stream *s = &r->streams[0];

	for (size_t i = 1; i < READAHEAD_STREAMS; i++)
		if (r->streams[i].age < s->age)
			s = &r->streams[i];
	return s;
}

/* Whoever comes to the next step may be somebody else: the run that it leaves is kept,
 * for the reader who goes on with it. */
static struct stream *find_stream_step(struct readahead *r, uint64_t offset)
{
	struct stream *s = find_next_step(r, offset), *kept = oldest_stream(r);

	if (s && s != kept)
		*kept = (struct stream){.start = s->start, .next = s->next, .age = s->age};
	return s;
}

static const struct stream *begun_at(const struct readahead *r, uint64_t start)
{
	for (size_t i = 0; i < READAHEAD_STREAMS; i++)
		if (r->streams[i].age && r->streams[i].start == start)
			return &r->streams[i];
	return NULL;
}

/* Two runs began one step and two steps before `offset`: a stream of its own, since they
 * may be readers each in his part of the file. So few runs are remembered that three of a
 * random reader's are hardly ever evenly spaced by chance. */
static struct stream *find_third(struct readahead *r, uint64_t offset)
{
	for (size_t i = 0; i < READAHEAD_STREAMS; i++) {
		const struct stream *second = &r->streams[i];
		uint64_t stride = offset - second->start,
			 length = second->next - second->start;
		struct stream *s;

		if (!second->age || second->start >= offset || second->start < stride ||
			!begun_at(r, second->start - stride))
			continue;
		s = oldest_stream(r);
		*s = (struct stream){.stride = stride, .length = length, .reached = offset};
		return s;
	}
	return NULL;
}

static void stream_widen(struct stream *s, const struct readahead_limits *limits)
{
	s->window = s->window ? s->window * 2 : limits->first;
	if (s->window > limits->most)
		s->window = limits->most;
}

/* A new window is given out when half of the last one is used up. */
static struct plan stream_advance(struct stream *s, const struct readahead_limits *limits)
{
	struct plan plan = {.times = 1};

	if (s->window && s->next + s->window / 2 < s->reached)
		return nothing;
	stream_widen(s, limits);
	plan.run.start = s->reached > s->next ? s->reached : s->next;
	plan.run.size = s->next + s->window - plan.run.start;
	s->reached = s->next + s->window;
	return plan;
}

/* More of the run at hand. With a stride, the next step brings what is ahead, unless the
 * run goes on well beyond what the others had. */
static struct plan stream_go_on(
	struct stream *s, const struct readahead_limits *limits, uint64_t end)
{
	if (end > s->next)
		s->next = end;
	if (!s->stride)
		return stream_advance(s, limits);
	if (s->next - s->start > 2 * s->length) {
		s->stride = 0;
		s->reached = s->next;
	}
	return nothing;
}

/* The first run of the next step; what is fetched ahead is whole steps. */
static struct plan stream_step(struct stream *s, const struct readahead_limits *limits,
	uint64_t offset, uint64_t end)
{
	uint64_t cost, from, last, steps;
	struct plan plan = {.stride = s->stride};

	if (s->next - s->start > s->length)
		s->length = s->next - s->start;
	cost = s->length > limits->grain ? s->length : limits->grain;
	s->start = offset;
	s->next = end;
	stream_widen(s, limits);
	steps = s->window > cost ? s->window / cost : 1;
	if (s->stride > OFFSET_MAX / (steps + 1))
		return nothing;
	last = offset + steps * s->stride;
	from = s->reached > offset ? s->reached : offset;
	if (last <= from)
		return nothing;
	s->reached = last;
	plan.times = (last - from) / s->stride;
	plan.run = (struct run){from + s->stride, s->length};
	return plan;
}

static struct stream *find_stride(
	struct readahead *r, const struct readahead_limits *limits, uint64_t offset)
{
	struct stream *s;

	if (!limits->grain)
		return NULL;
	s = find_stream_step(r, offset);
	return s ? s : find_third(r, offset);
}

struct plan readahead_note(struct readahead *r, const struct readahead_limits *limits,
	uint64_t offset, uint64_t size)
{
	struct stream *s;
	uint64_t end;

	if (limits->most == 0 || __builtin_add_overflow(offset, size, &end) ||
		end > OFFSET_MAX)
		return nothing;
	s = find_stream_run(r, offset, limits->slack);
	if (s) {
		s->age = ++r->clock;
		return stream_go_on(s, limits, end);
	}
	s = find_stride(r, limits, offset);
	if (s) {
		s->age = ++r->clock;
		return stream_step(s, limits, offset, end);
	}
	s = oldest_stream(r);
	*s = (struct stream){.start = offset, .next = end, .age = ++r->clock};
	return nothing;
}

void readahead_take_back(struct readahead *r, uint64_t start, uint64_t end)
{
	for (size_t i = 0; i < READAHEAD_STREAMS; i++) {
		struct stream *s = &r->streams[i];

		if (s->age && !s->stride && s->reached == end && s->next <= start)
			s->reached = start;
	}
}
