/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <sys/syscall.h>
#include <unistd.h>

#include "util/io_class.h"

#ifdef SYS_ioprio_set
/* linux/ioprio.h; glibc has no function for it. */
#define WHO_THREAD 1
#define CLASS_SHIFT 13
#define CLASS_NONE 0
#define CLASS_IDLE 3

void io_class_set_idle(bool idle)
{
	/* Advice: without it, all works. */
	(void)syscall(SYS_ioprio_set, WHO_THREAD, 0,
		(idle ? CLASS_IDLE : CLASS_NONE) << CLASS_SHIFT);
}
#else
void io_class_set_idle(bool idle)
{
	(void)idle;
}
#endif
