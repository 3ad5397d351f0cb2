/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "format/json_cost.h"

/* Where the string ends that begins at text[at]: behind its closing quotation mark. */
static size_t string_end(struct span text, size_t at)
{
	for (at++; at < text.size && text.data[at] != '"'; at++)
		if (text.data[at] == '\\')
			at++;
	return at < text.size ? at + 1 : text.size;
}

static bool is_token_end(uint8_t c)
{
	switch (c) {
	case ' ':
	case '\t':
	case '\r':
	case '\n':
	case ',':
	case ':':
	case '"':
	case '[':
	case ']':
	case '{':
	case '}':
		return true;
	default:
		return false;
	}
}

/* Behind a number, true, false, null or whatever it is. */
static size_t word_end(struct span text, size_t at)
{
	while (at < text.size && !is_token_end(text.data[at]))
		at++;
	return at;
}

/* Counts what begins at text[at], and returns where it ends. `depth` is where it is. */
static size_t count_token(
	struct span text, size_t at, unsigned *depth, struct json_cost *cost)
{
	size_t end = at + 1;

	switch (text.data[at]) {
	case '{':
	case '[':
		cost->memory += text.data[at] == '{' ? JSON_COST_OBJECT : JSON_COST_ARRAY;
		if (++*depth > cost->depth)
			cost->depth = *depth;
		return end;
	case '}':
	case ']':
		*depth -= *depth > 0;
		return end;
	case '"':
		end = string_end(text, at);
		cost->memory += JSON_COST_STRING + (end - at);
		return end;
	default:
		if (is_token_end(text.data[at]))
			return end;
		cost->memory += JSON_COST_OTHER;
		return word_end(text, at);
	}
}

struct json_cost json_cost_of(struct span text, const struct json_cost *most)
{
	struct json_cost cost = {0};
	unsigned depth = 0;
	size_t at = 0;

	while (at < text.size && cost.depth <= most->depth && cost.memory <= most->memory)
		at = count_token(text, at, &depth, &cost);
	return cost;
}
