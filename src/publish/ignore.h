/* SPDX-License-Identifier: MIT */
/*
 * Which names are left out: patterns in the syntax of gitignore(5), as if they stood in a
 * file at the top of the source, and patterns of what is taken nonetheless. A name is
 * excluded when the last pattern that matches it says so and no pattern to include
 * matches; what is in an excluded directory is not looked at, but for what leads to a
 * pattern to include (ignore_judge). Once filled, a set is only read: any thread.
 */
#ifndef CAIRN_PUBLISH_IGNORE_H
#define CAIRN_PUBLISH_IGNORE_H

#include "util/bytes.h"

#define IGNORE_PATTERNS_MAX 65536 /* in one set */
#define IGNORE_PATTERN_SIZE_MAX 4096
#define IGNORE_FILE_SIZE_MAX (8u << 20)

struct ignore;
struct ignore *ignore_new(void); /* NULL without memory */
void ignore_free(struct ignore *g);
/* One pattern: '!' and a '/' at the end have their meaning, '#' and blanks have none.
 * ERR_LIMIT, ERR_NO_MEMORY, ERR_INVALID for one that cannot match anything. */
int ignore_exclude(struct ignore *g, const char *pattern);
int ignore_include(struct ignore *g, const char *pattern); /* '!' has no meaning */
/* The lines of a file: also comments, empty lines, blanks at the end. */
int ignore_exclude_lines(struct ignore *g, struct span text);

enum ignore_verdict {
	IGNORE_TAKE,
	IGNORE_LEAVE,
	/* An excluded directory that a pattern to include leads into: it is taken, but of
	 * what is in it only what is to be included, or leads on. */
	IGNORE_PASS,
};
/* Of `path`, below the source, without a slash at its ends; `inside`: what was said of the
 * directory that holds it (IGNORE_TAKE for the source itself). `g` may be NULL. */
enum ignore_verdict ignore_judge(const struct ignore *g, const char *path, bool directory,
	enum ignore_verdict inside);

#endif
