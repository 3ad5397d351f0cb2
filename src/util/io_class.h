/* SPDX-License-Identifier: MIT */
/* The class of the calling thread's disk I/O (ioprio_set(2)); where there is none, nothing
 * happens. */
#ifndef CAIRN_UTIL_IO_CLASS_H
#define CAIRN_UTIL_IO_CLASS_H

#include <stdbool.h>

/* Served when nobody else asks the disk; or as everybody. */
void io_class_set_idle(bool idle);

#endif
