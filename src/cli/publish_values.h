/* SPDX-License-Identifier: MIT */
/*
 * Values of options of `cairn publish` that take more than a look: whose files they are to
 * be, and from when. They ask the user database and the file system, and set nothing on
 * failure. The main thread.
 */
#ifndef CAIRN_CLI_PUBLISH_VALUES_H
#define CAIRN_CLI_PUBLISH_VALUES_H

#include <stdint.h>

#include "publish/overrides.h"
#include "util/error.h"

/* --mtime: a time (time_words.h), or the file that has it, which begins with '/' or '.'. */
int publish_values_mtime(const char *text, struct overrides *out, struct trouble *t);
/* --owner, --group: a name that the system knows, a number, "+NUMBER", "NAME:NUMBER". */
int publish_values_owner(const char *text, struct overrides *out, struct trouble *t);
int publish_values_group(const char *text, struct overrides *out, struct trouble *t);
/* --mode, as chmod(1) has it. */
int publish_values_mode(const char *text, struct overrides *out, struct trouble *t);
/* --expires: a time, or how long from `now` on (seconds since 1970). */
int publish_values_expires(
	const char *text, int64_t now, int64_t *expires, struct trouble *t);
/* SOURCE_DATE_EPOCH: whole seconds since 1970, as https://reproducible-builds.org/specs/
 * source-date-epoch/ has it: nothing is from later. */
int publish_values_epoch(
	const char *text, struct overrides *out, int64_t *created, struct trouble *t);

#endif
