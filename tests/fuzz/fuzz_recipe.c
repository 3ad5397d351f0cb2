/* SPDX-License-Identifier: MIT */
/* recipe_decode() on any text, and recipe_view() on any bytes. */
#include <config.h>

#include <string.h>

#include "format/blob.h"
#include "format/recipe.h"
#include "fuzz/fuzz.h"

static uint32_t walk(const struct recipe *r)
{
	struct recipe_hit hit, same;
	uint32_t good = 0;

	for (uint32_t i = 0; i < r->count; i++) {
		if (recipe_at(r, i, &hit))
			continue;
		good++;
		must(hit.size > 0 && hit.chunks > 0);
		recipe_find(r, hit.start, &same);
	}
	recipe_find(r, UINT64_MAX, &hit);
	return good;
}

/* A good one is found by its offsets, and its sizes add up. */
static void check(const struct recipe *r)
{
	struct recipe_hit hit, same;
	uint64_t at = 0, chunks = 0;

	for (uint32_t i = 0; i < r->count; i++) {
		must(recipe_at(r, i, &hit) == 0);
		must(hit.start == at && hit.ordinal == chunks);
		must(recipe_find(r, at + hit.size - 1, &same) == 0);
		must(memcmp(&hit, &same, sizeof(hit)) == 0);
		at += hit.size;
		chunks += hit.chunks;
	}
	must(at == r->bytes && chunks == r->chunks);
}

static void recipe_run(const uint8_t *data, size_t size)
{
	struct bytes packed = {0};
	struct trouble t = {0};
	struct recipe r;
	int rc = recipe_decode(span_of(data, size), &packed, &t);

	must(rc <= 0 && (rc == 0 || (t.text[0] && packed.size == 0)));
	if (rc == 0) {
		must(recipe_view(span_of_bytes(&packed), &r) == 0);
		must(walk(&r) == r.count);
		check(&r);
	}
	bytes_release(&packed);
	if (recipe_view(span_of(data, size), &r) == 0)
		walk(&r);
}

struct samples {
	fuzz_sample_fn sample;
	void *ctx;
};

static int emit(void *ctx, const struct digest *name, struct span text)
{
	const struct samples *s = ctx;
	struct bytes packed = {0};

	(void)name;
	must(recipe_decode(text, &packed, NULL) == 0);
	if (text.size < 10000) { /* a full one would take all the time */
		s->sample(s->ctx, text);
		s->sample(s->ctx, span_of_bytes(&packed));
	}
	bytes_release(&packed);
	return 0;
}

static void recipe_samples(fuzz_sample_fn sample, void *ctx)
{
	static const uint64_t counts[] = {OBJECT_LISTED_MAX + 1, 60, 2 * RECIPE_ROWS + 1};
	struct samples s = {sample, ctx};
	struct chunk_ref *chunks = calloc(2 * RECIPE_ROWS + 1, sizeof(*chunks));
	struct digest root;

	must(chunks);
	for (uint32_t i = 0; i < 2 * RECIPE_ROWS + 1; i++) {
		chunks[i].digest = digest_of(&i, sizeof(i));
		chunks[i].size = i % 7 ? 1 + i * 251 : CHUNK_SIZE_MAX;
		chunks[i].size = chunks[i].size > CHUNK_SIZE_MAX ? 1 : chunks[i].size;
	}
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
		must(recipe_build(chunks, counts[i], emit, &s, &root) == 0);
	free(chunks);
}

const struct fuzz_target fuzz_recipe = {"recipe", recipe_run, recipe_samples};
