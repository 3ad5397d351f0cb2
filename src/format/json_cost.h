/* SPDX-License-Identifier: MIT */
/*
 * What a JSON text would cost once it is parsed, told before it is: a parser makes a value
 * of each token, and two bytes of text become a hundred of memory (4 MiB of "{}," took
 * 314). The text need not be JSON: of what a parser takes before it finds that out, no less
 * is counted. Pure; any thread; takes no memory.
 */
#ifndef CAIRN_FORMAT_JSON_COST_H
#define CAIRN_FORMAT_JSON_COST_H

#include "util/bytes.h"

/* Bytes of memory for a value or a member's name: no less than jansson 2.14 takes on a
 * 64-bit machine with glibc's malloc, the place in its parent and the copies while that
 * grows included. Of a string besides: its bytes. */
#define JSON_COST_OBJECT 256
#define JSON_COST_ARRAY 160
#define JSON_COST_STRING 128
#define JSON_COST_OTHER 64

struct json_cost {
	unsigned depth;	 /* of objects and arrays within each other */
	uint64_t memory; /* bytes */
};

/* Counts no further once one of them is over `most`. */
struct json_cost json_cost_of(struct span text, const struct json_cost *most);

#endif
