/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "util/histogram.h"

#define STEPS (1u << HISTOGRAM_STEP_BITS)

/* The octave, and the bits behind the highest one: the step in it. */
static unsigned histogram_step(uint64_t ns)
{
	unsigned octave;

	if (ns < UINT64_C(1) << HISTOGRAM_FIRST)
		return 0;
	if (ns >= UINT64_C(1) << HISTOGRAM_LAST)
		return HISTOGRAM_SIZE - 1;
	octave = 63 - (unsigned)__builtin_clzll(ns);
	return 1 + (octave - HISTOGRAM_FIRST) * STEPS +
	       (unsigned)(ns >> (octave - HISTOGRAM_STEP_BITS)) % STEPS;
}

/* ns: what is in that step took less. */
static uint64_t step_end(unsigned step)
{
	unsigned octave = HISTOGRAM_FIRST + (step - 1) / STEPS;

	if (step == 0)
		return UINT64_C(1) << HISTOGRAM_FIRST;
	if (step == HISTOGRAM_SIZE - 1)
		return UINT64_MAX;
	return ((uint64_t)STEPS + (step - 1) % STEPS + 1) << (octave - HISTOGRAM_STEP_BITS);
}

void histogram_add(struct histogram *h, int64_t ns)
{
	uint64_t took = ns > 0 ? (uint64_t)ns : 0;

	atomic_fetch_add_explicit(&h->sum, took, memory_order_relaxed);
	atomic_fetch_add_explicit(
		&h->counts[histogram_step(took)], 1, memory_order_relaxed);
}

void histogram_look(const struct histogram *h, struct histogram_copy *out)
{
	out->count = 0;
	out->sum = atomic_load_explicit(&h->sum, memory_order_relaxed);
	for (unsigned i = 0; i < HISTOGRAM_SIZE; i++) {
		out->counts[i] = atomic_load_explicit(&h->counts[i], memory_order_relaxed);
		out->count += out->counts[i];
	}
}

uint64_t histogram_share(const struct histogram_copy *h, unsigned thousandths)
{
	/* Rounded up, so that one in a hundred is seen at 990. */
	uint64_t want = h->count / 1000 * thousandths +
			(h->count % 1000 * thousandths + 999) / 1000;
	uint64_t seen = 0;

	if (!h->count)
		return 0;
	want = want ? want : 1;
	for (unsigned i = 0; i < HISTOGRAM_SIZE; i++) {
		seen += h->counts[i];
		if (seen >= want)
			return step_end(i);
	}
	return step_end(HISTOGRAM_SIZE - 1);
}

uint64_t histogram_below(const struct histogram_copy *h, unsigned log2)
{
	uint64_t count = 0;

	for (unsigned i = 0; i <= (log2 - HISTOGRAM_FIRST) * STEPS; i++)
		count += h->counts[i];
	return count;
}
