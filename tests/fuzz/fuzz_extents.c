/* SPDX-License-Identifier: MIT */
/* extent_list_decode() on any text, and extent_list_view() on any bytes. */
#include <config.h>

#include <string.h>

#include "format/extent_list_builder.h"
#include "fuzz/fuzz.h"

/* Rotten or not: nothing out of bounds. */
static void walk(const struct extent_list *l)
{
	struct extent_part part;

	must(extent_list_find(l, 0) <= l->count);
	must(extent_list_find(l, UINT64_MAX / 2) <= l->count);
	for (uint32_t i = 0; i < l->count; i++)
		if (l->level == 0)
			extent_at(l->rows, i);
		else
			(void)extent_list_part(l, i, &part);
}

static void check_runs(const struct extent_list *l)
{
	uint64_t at = l->span.first, bytes = 0;

	for (uint32_t i = 0; i < l->count; i++) {
		struct extent x = extent_at(l->rows, i);

		must(x.size > 0 && (i == 0 ? x.offset == at : x.offset > at));
		must(extent_list_find(l, x.offset) == i);
		at = x.offset + x.size;
		must(extent_list_find(l, at) == i + 1);
		bytes += x.size;
	}
	must(at == l->span.end && bytes == l->span.bytes && l->count == l->span.runs);
}

static void check_parts(const struct extent_list *l)
{
	uint64_t at = l->span.first, bytes = 0, runs = 0;

	for (uint32_t i = 0; i < l->count; i++) {
		struct extent_part p;

		must(extent_list_part(l, i, &p) == 0);
		must(p.before == bytes && p.span.end > p.span.first);
		must(i == 0 ? p.span.first == at : p.span.first > at);
		must(extent_list_find(l, p.span.first) == i);
		at = p.span.end;
		bytes += p.span.bytes;
		runs += p.span.runs;
	}
	must(at == l->span.end && bytes == l->span.bytes && runs == l->span.runs);
}

static void extents_run(const uint8_t *data, size_t size)
{
	struct bytes packed = {0};
	struct trouble t = {0};
	struct extent_list l;
	int rc = extent_list_decode(span_of(data, size), &packed, &t);

	must(rc <= 0 && (rc == 0 || (t.text[0] && packed.size == 0)));
	if (rc == 0) {
		must(extent_list_view(span_of_bytes(&packed), &l) == 0);
		must(l.span.end <= ENTRY_SIZE_MAX && l.span.bytes <= ENTRY_SIZE_MAX);
		if (l.level == 0)
			check_runs(&l);
		else
			check_parts(&l);
	}
	bytes_release(&packed);
	if (extent_list_view(span_of(data, size), &l) == 0)
		walk(&l);
}

struct extents_samples {
	fuzz_sample_fn sample;
	void *ctx;
};

static int emit(void *ctx, const struct digest *name, struct span text)
{
	const struct extents_samples *s = ctx;
	struct bytes packed = {0};

	(void)name;
	must(extent_list_decode(text, &packed, NULL) == 0);
	if (text.size < 20000) { /* a full one would take all the time */
		s->sample(s->ctx, text);
		s->sample(s->ctx, span_of_bytes(&packed));
	}
	bytes_release(&packed);
	return 0;
}

static void extents_samples(fuzz_sample_fn sample, void *ctx)
{
	static const char few[] = "{\"cairn\":\"extents\",\"runs\":[[0,4096],[8192,1]]}";
	static const char upper[] =
		"{\"cairn\":\"extents\",\"level\":2,\"parts\":[[\""
		"00000000000000000000000000000000000000000000000000000000"
		"000000d1\",0,9000,7,4000]]}";
	struct extents_samples s = {sample, ctx};
	struct extent_list_builder *b = extent_list_builder_new();
	struct extents_made made;

	must(b);
	sample(ctx, span_of_string(few));
	sample(ctx, span_of_string(upper));
	for (uint64_t runs = EXTENT_COUNT_MAX + 1; runs < 9000; runs += 700) {
		extent_list_builder_reset(b, emit, &s);
		for (uint64_t i = 0; i < runs; i++)
			must(!extent_list_builder_add(
				b, (struct extent){i << 26, 4096 << i % 3}));
		must(extent_list_builder_finish(b, &made) == 0);
	}
	extent_list_builder_free(b);
}

const struct fuzz_target fuzz_extents = {"extents", extents_run, extents_samples};
