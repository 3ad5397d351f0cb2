/* SPDX-License-Identifier: MIT */
/*
 * What a cache holds, of which datasets, how large, used when: gathered for a report, in
 * bounded memory, from what is in the cache alone. The tool's thread.
 */
#ifndef CAIRN_CLI_SURVEY_H
#define CAIRN_CLI_SURVEY_H

#include "cache/inspect.h"
#include "cli/cache_command.h"
#include "cli/held.h"
#include "cli/size_tree.h"

#define SURVEY_FILES 25	    /* in each list of files */
#define SURVEY_DATASETS 100 /* that are looked into */
#define SURVEY_PINS 100
#define SURVEY_NODES 6000 /* of all trees together */

struct survey_file {
	char *path;
	size_t dataset; /* its index */
	uint64_t size, resident;
	int64_t last_use; /* seconds since 1970; 0: never */
	bool pinned;
};

struct survey_files {
	struct survey_file files[SURVEY_FILES];
	size_t count;
};

struct survey_dataset {
	char *name, *url;
	uint64_t revision;
	int64_t accepted; /* seconds since 1970 */
	struct size_sums sums;
	struct held_gaps gaps; /* of which nothing more is known */
	struct size_tree *tree;
	const struct size_node *root; /* NULL: see `trouble` */
	char *trouble;
};

struct survey_pin {
	char *name;
	uint64_t objects;
};

struct survey {
	struct cache_info info;
	struct survey_dataset *datasets;
	size_t dataset_count;
	size_t order[SURVEY_DATASETS]; /* their indices: what has most in the cache first */
	uint64_t datasets_left_out;
	struct survey_files largest; /* that are in the cache, at least in part */
	struct survey_files oldest;  /* the least recently used of these, without pins */
	struct survey_pin pins[SURVEY_PINS];
	size_t pin_count;
	uint64_t pins_left_out;
};

/* *out is zero to begin with, and to be released, also when this fails: with a sentence. A
 * dataset that cannot be looked into is told of by its `trouble`. */
int survey_take(struct cache_command *c, struct survey *out, struct trouble *t);
void survey_release(struct survey *s);

#endif
