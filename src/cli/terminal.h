/* SPDX-License-Identifier: MIT */
/* How much room a terminal has, and what fits into it. Any thread. */
#ifndef CAIRN_CLI_TERMINAL_H
#define CAIRN_CLI_TERMINAL_H

#include <stdio.h>

/* Of the terminal at `fd`; 80 where nobody knows. */
unsigned terminal_columns(int fd);
/* Prints a text of lines, each as far as so many columns go: what is longer would wrap, and
 * shift those below. It has gone through util/printable. */
void terminal_put_lines(FILE *out, const char *text, unsigned columns);

#endif
