/* SPDX-License-Identifier: MIT */
/* Who a process is, for people. Reads /proc; where there is none, nothing is known. */
#ifndef CAIRN_UTIL_PROCESS_H
#define CAIRN_UTIL_PROCESS_H

#include <sys/types.h>

#define PROCESS_NAME_SIZE 64 /* of a name and a NUL; Linux has 15 bytes */

struct process_info {
	pid_t pid;		      /* 0: unknown */
	char name[PROCESS_NAME_SIZE]; /* any bytes; "": unknown */
};
/* The process that has that thread. */
void process_of_thread(pid_t thread, struct process_info *out);

#endif
