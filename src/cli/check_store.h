/* SPDX-License-Identifier: MIT */
/*
 * What `cairn check` does with a store, wherever it lies, and how it tells what it found:
 * for people so many of each kind, for programs all. The tool's thread.
 */
#ifndef CAIRN_CLI_CHECK_STORE_H
#define CAIRN_CLI_CHECK_STORE_H

#include "cli/reader_options.h"

struct check_store_options {
	const struct reader_options *reader; /* trust and credentials */
	const char *from; /* URL or directory to mend from; NULL: the manifest's mirrors */
	unsigned percent; /* of the chunks are decoded */
	unsigned jobs;	  /* 0: as many as suit the store */
	bool repair, json;
};

/* Prints what is found. ERR_CORRUPT when something is wrong and stays so. */
int check_store(
	const char *given, const struct check_store_options *options, struct trouble *t);

#endif
