/* SPDX-License-Identifier: MIT */
/*
 * Several mounts at a glance: a line each for people, an array for programs. One thread.
 */
#ifndef CAIRN_CLI_STATUS_TABLE_H
#define CAIRN_CLI_STATUS_TABLE_H

#include <stdio.h>

#include "cli/status_ask.h"

/* With the user where there is more than one. ERR_NO_MEMORY, with nothing printed. */
int status_table(FILE *out, const struct status_answer *answers, size_t count);
/* What each said, or what is known of it and why it said nothing. The caller's reference;
 * NULL without memory. */
json_t *status_table_json(const struct status_answer *answers, size_t count);

#endif
