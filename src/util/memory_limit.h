/* SPDX-License-Identifier: MIT */
/*
 * How much memory this process's control groups (containers, services) leave to it:
 * cgroups(7), of version 2 (memory.max, memory.high) and 1 (memory.limit_in_bytes), those
 * above the own one included. For defaults, at the start. Reads files of the kernel; what
 * is not understood counts as no limit. Any thread.
 */
#ifndef CAIRN_UTIL_MEMORY_LIMIT_H
#define CAIRN_UTIL_MEMORY_LIMIT_H

#include <stdint.h>

#define MEMORY_LIMIT_PROC "/proc/self" /* where this process's groups stand */

/* Bytes; UINT64_MAX when nothing limits them. `proc` holds `cgroup` and `mountinfo` as
 * proc(5) says. */
uint64_t memory_limit(const char *proc);

#endif
