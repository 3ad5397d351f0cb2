/* SPDX-License-Identifier: MIT */
/* Reads a profile (format/profile.h) from a file that the user names. Blocking; any thread.
 */
#ifndef CAIRN_CLI_PROFILE_FILE_H
#define CAIRN_CLI_PROFILE_FILE_H

#include "format/profile.h"

/* *out: for profile_free(). Errors of profile_decode() and of the file, with a sentence. */
int profile_file_read(const char *file, struct profile **out, struct trouble *t);

#endif
