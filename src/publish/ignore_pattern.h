/* SPDX-License-Identifier: MIT */
/*
 * One pattern of gitignore(5), and whether a path matches it. Linear in the path's length
 * for each of the pattern's parts: no pattern takes exponential time. Pure.
 */
#ifndef CAIRN_PUBLISH_IGNORE_PATTERN_H
#define CAIRN_PUBLISH_IGNORE_PATTERN_H

#include "util/bytes.h"

struct ignore_pattern {
	const char *glob; /* borrowed; without what the flags say */
	bool negated;	  /* began with '!' */
	bool directory;	  /* ended with '/': matches directories alone */
	bool anywhere;	  /* no other slash: matches the name in any directory */
};

/* Takes `text`, which is changed and borrowed from, apart. False when it is empty, or can
 * match nothing ("/", one that ends with a lone backslash, a '[' without its ']'). */
bool ignore_pattern_parse(char *text, bool negatable, struct ignore_pattern *out);
/* `path` below the patterns' directory. */
bool ignore_pattern_matches(
	const struct ignore_pattern *p, const char *path, bool directory);
/* Could something below the directory `path` match? Not said of a pattern that matches
 * anywhere, or begins with two asterisks: that would be everywhere. */
bool ignore_pattern_leads(const struct ignore_pattern *p, const char *path);

#endif
