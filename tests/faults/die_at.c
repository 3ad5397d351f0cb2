/* SPDX-License-Identifier: MIT */
/*
 * A library for LD_PRELOAD: ends its process, as kill -9 would, right before its Nth call
 * that changes a file system, N being $DIE_AT. So a test can end a command at each of its
 * steps, one after the other. A program that is instrumented takes no such library.
 */
#define _GNU_SOURCE

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void step(void)
{
	static atomic_int steps;
	const char *at = getenv("DIE_AT");

	if (at && atomic_fetch_add(&steps, 1) + 1 == atoi(at))
		kill(getpid(), SIGKILL);
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* Those with fixed arguments. */
#define STEP(type, name, parameters, arguments)                                            \
	type name parameters                                                               \
	{                                                                                  \
		step();                                                                    \
		return NEXT(name) arguments;                                               \
	}

STEP(ssize_t, write, (int fd, const void *data, size_t size), (fd, data, size))
STEP(int, fsync, (int fd), (fd))
STEP(int, fdatasync, (int fd), (fd))
STEP(int, syncfs, (int fd), (fd))
STEP(int, unlinkat, (int fd, const char *path, int flags), (fd, path, flags))
STEP(int, mkdirat, (int fd, const char *path, mode_t mode), (fd, path, mode))
STEP(int, renameat, (int from, const char *old, int to, const char *new),
	(from, old, to, new))
STEP(int, utimensat, (int fd, const char *path, const struct timespec times[2], int flags),
	(fd, path, times, flags))

STEP(int, linkat, (int from, const char *old, int to, const char *new, int flags),
	(from, old, to, new, flags))

/* Its mode is there only where a file may be made. */
#define STEP_OPEN(name)                                                                    \
	int name(int fd, const char *path, int flags, ...)                                 \
	{                                                                                  \
		mode_t mode = 0;                                                           \
		va_list rest;                                                              \
                                                                                           \
		if (flags & O_CREAT) {                                                     \
			va_start(rest, flags);                                             \
			mode = va_arg(rest, mode_t);                                       \
			va_end(rest);                                                      \
			step();                                                            \
		}                                                                          \
		return NEXT(name)(fd, path, flags, mode);                                  \
	}

STEP_OPEN(openat)
STEP_OPEN(openat64)
