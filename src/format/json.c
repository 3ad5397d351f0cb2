/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "format/json.h"
#include "format/json_cost.h"

/* jansson recurses, and its own limit is thousands; for memory it has none. */
static int check_cost(struct span text, uint64_t memory, struct trouble *t)
{
	const struct json_cost most = {.depth = JSON_DEPTH_CAP, .memory = memory};
	struct json_cost cost = json_cost_of(text, &most);

	if (cost.depth > most.depth)
		return trouble_set(
			t, ERR_CORRUPT, "JSON nested deeper than %d", JSON_DEPTH_CAP);
	if (cost.memory > most.memory)
		return trouble_set(t, ERR_CORRUPT,
			"JSON of so many values that it would take over %llu MiB",
			(unsigned long long)(memory >> 20));
	return 0;
}

/* Without memory for a byte jansson leaves it out and goes on, without memory for a token
 * it says that the text is wrong. So it is not asked: who allocates for it notes when there
 * was none. Its allocator has no argument, hence this. */
static _Thread_local bool starved;

static void *json_allocate(size_t size)
{
	void *memory = malloc(size);

	starved = starved || !memory;
	return memory;
}

static void watch_allocations(void)
{
	json_set_alloc_funcs(json_allocate, free);
}

static int parse_within(struct span text, uint64_t memory, json_t **out, struct trouble *t)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	json_error_t error;
	json_t *value;
	int rc = check_cost(text, memory, t);

	if (rc)
		return rc;
	pthread_once(&once, watch_allocations);
	starved = false;
	value = json_loadb(text.data ? (const char *)text.data : "", text.size,
		JSON_REJECT_DUPLICATES, &error);
	if (starved) {
		json_decref(value);
		return trouble_set(t, ERR_NO_MEMORY, "no memory to parse JSON");
	}
	if (!value)
		return trouble_set(t, ERR_CORRUPT,
			"not valid JSON at line %d, column %d: %s", error.line,
			error.column, error.text);
	if (!json_is_object(value)) {
		json_decref(value);
		return trouble_set(t, ERR_CORRUPT, "JSON, but not an object");
	}
	*out = value;
	return 0;
}

int json_parse(struct span text, json_t **out, struct trouble *t)
{
	return parse_within(text, JSON_MEMORY_CAP, out, t);
}

int json_parse_large(struct span text, json_t **out, struct trouble *t)
{
	return parse_within(text, JSON_LARGE_MEMORY_CAP, out, t);
}

/* jansson does not look at each of its results: what fails once has failed. */
struct json_dump {
	struct bytes *out;
	bool failed;
};

static int json_append(const char *piece, size_t size, void *arg)
{
	struct json_dump *d = arg;

	d->failed = d->failed || bytes_append(d->out, piece, size);
	return d->failed ? -1 : 0;
}

int json_canonical(const json_t *value, struct bytes *out)
{
	struct json_dump dump = {.out = out};
	size_t start = out->size;
	int rc = json_dump_callback(
		value, json_append, &dump, JSON_SORT_KEYS | JSON_COMPACT | JSON_ENCODE_ANY);

	/* The tree is a parsed or a built one: only memory can fail. */
	if (rc || dump.failed) {
		out->size = start;
		return ERR_NO_MEMORY;
	}
	return 0;
}

int json_get_u64(const json_t *value, uint64_t max, uint64_t *out)
{
	json_int_t number;

	if (!json_is_integer(value))
		return ERR_CORRUPT;
	number = json_integer_value(value);
	if (number < 0 || (uint64_t)number > max)
		return ERR_CORRUPT;
	*out = (uint64_t)number;
	return 0;
}

int json_get_i64(const json_t *value, int64_t *out)
{
	if (!json_is_integer(value))
		return ERR_CORRUPT;
	*out = json_integer_value(value);
	return 0;
}

int json_get_string(const json_t *value, size_t max, struct span *out)
{
	if (!json_is_string(value) || json_string_length(value) > max)
		return ERR_CORRUPT;
	*out = span_of(json_string_value(value), json_string_length(value));
	return 0;
}

int json_get_digest(const json_t *value, struct digest *out)
{
	struct span hex;

	if (json_get_string(value, DIGEST_HEX_SIZE - 1, &hex))
		return ERR_CORRUPT;
	return digest_from_hex(hex, out);
}

json_t *json_digest(const struct digest *d)
{
	char hex[DIGEST_HEX_SIZE];

	digest_to_hex(d, hex);
	return json_stringn_nocheck(hex, sizeof hex - 1);
}

int json_only_members(const json_t *object, const char *const *names)
{
	size_t known = 0;

	/* Each key is there once, so as many known ones as there are leaves no others. */
	for (; *names; names++)
		known += json_object_get(object, *names) != NULL;
	return json_is_object(object) && known == json_object_size(object) ? 0
									   : ERR_CORRUPT;
}
