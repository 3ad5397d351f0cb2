/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <string.h>
#include <strings.h>

#include "net/cache_control.h"

#define AGE_MAX (UINT64_C(1) << 31) /* RFC 9111, 1.2.2 */

static bool word_is(struct span word, const char *name)
{
	return word.size == strlen(name) &&
	       !strncasecmp((const char *)word.data, name, word.size);
}

/* Digits, perhaps in quotes. */
static bool parse_seconds(struct span text, uint64_t *out)
{
	uint64_t n = 0;

	if (text.size >= 2 && text.data[0] == '"' && text.data[text.size - 1] == '"')
		text = (struct span){text.data + 1, text.size - 2};
	if (text.size == 0)
		return false;
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(text.data[i] - '0');
		if (n > AGE_MAX)
			n = AGE_MAX;
	}
	*out = n;
	return true;
}

static struct span trim(struct span s)
{
	while (s.size > 0 && (s.data[0] == ' ' || s.data[0] == '\t'))
		s = (struct span){s.data + 1, s.size - 1};
	while (s.size > 0 && (s.data[s.size - 1] == ' ' || s.data[s.size - 1] == '\t'))
		s.size--;
	return s;
}

static void take_directive(struct span directive, struct cache_control *c, bool *shared)
{
	const uint8_t *equals = memchr(directive.data, '=', directive.size);
	size_t length = equals ? (size_t)(equals - directive.data) : directive.size;
	struct span name = trim((struct span){directive.data, length}), value = {0};
	bool for_shared = word_is(name, "s-maxage");

	if (equals)
		value = trim((struct span){equals + 1, directive.size - length - 1});
	if (word_is(name, "no-store"))
		c->no_store = true;
	else if (word_is(name, "no-cache") || word_is(name, "private"))
		c->no_cache = true;
	else if (word_is(name, "immutable"))
		c->immutable = true;
	if ((for_shared || (word_is(name, "max-age") && !*shared)) &&
		parse_seconds(value, &c->fresh)) {
		c->has_age = true;
		*shared = for_shared;
	}
}

void cache_control_of(const struct probe_answer *answer, struct cache_control *out)
{
	struct span field;
	bool shared = false;

	*out = (struct cache_control){0};
	if (probe_field(answer, "Expires", &field))
		out->said = true;
	if (!probe_field(answer, "Cache-Control", &field))
		return;
	out->said = true;
	while (field.size > 0) {
		const uint8_t *comma = memchr(field.data, ',', field.size);
		size_t length = comma ? (size_t)(comma - field.data) : field.size;

		if (length > 0)
			take_directive((struct span){field.data, length}, out, &shared);
		length += comma != NULL;
		field = (struct span){field.data + length, field.size - length};
	}
}
