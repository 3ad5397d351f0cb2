/* SPDX-License-Identifier: MIT */
/*
 * Whether what a command prints still arrives: a disk may be full, a reader gone. For the
 * thread that prints, and command_end(), which says it.
 */
#ifndef CAIRN_CLI_OUTPUT_H
#define CAIRN_CLI_OUTPUT_H

#include <stdbool.h>

/* Right after a write to stdout: it takes no more, so that there is no point in going on.
 * The first time notes errno. */
bool output_is_lost(void);
/* errno of the first write that failed; 0: none was seen to. */
int output_cause(void);

#endif
