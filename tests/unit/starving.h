/* SPDX-License-Identifier: MIT */
/*
 * A program in which the n-th allocation fails, of libraries too: for tests that what runs
 * out of memory says so, loses nothing, and leaves all as it was. glibc's alone, and not
 * with a sanitizer, which has allocations of its own: then STARVING is not defined.
 */
#ifndef CAIRN_TESTS_STARVING_H
#define CAIRN_TESTS_STARVING_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/err.h>

#include "util/error.h"

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define STARVING
#endif
#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                 \
	__has_feature(memory_sanitizer)
#undef STARVING
#endif
#endif

#ifdef STARVING

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void __libc_free(void *old);

/* One thread. */
static struct {
	unsigned long fail_at; /* 0: none does */
	bool onwards;	       /* all that follow do, too */
	unsigned long count;   /* since it was set */
	long living;
} starving;

static bool is_starved(void)
{
	starving.count++;
	if (!starving.fail_at || starving.count < starving.fail_at ||
		(starving.count > starving.fail_at && !starving.onwards))
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	void *p = is_starved() ? NULL : __libc_malloc(size);

	starving.living += p != NULL;
	return p;
}

void *calloc(size_t count, size_t size)
{
	void *p = is_starved() ? NULL : __libc_calloc(count, size);

	starving.living += p != NULL;
	return p;
}

void *realloc(void *old, size_t size)
{
	void *p = is_starved() ? NULL : __libc_realloc(old, size);

	starving.living += !old && p;
	return p;
}

void free(void *old)
{
	starving.living -= old != NULL;
	__libc_free(old);
}

/* The call, without that allocation. *met: it came to it. */
static inline int starve_once(
	const char *what, int (*call)(void *arg), void *arg, unsigned long at, bool *met)
{
	int rc;

	starving.count = 0;
	starving.fail_at = at;
	rc = call(arg);
	*met = starving.count >= at;
	starving.fail_at = 0;
	ERR_clear_error();
	if (rc && rc != ERR_NO_MEMORY)
		fail_msg("%s: \"%s\" without allocation %lu", what, error_text(rc), at);
	return rc;
}

/* Calls it again and again, each time without another allocation, until it needs no more:
 * it must return 0 or ERR_NO_MEMORY, and give back all that it took. What a library keeps
 * it keeps once. */
static inline void starve_mode(
	const char *what, int (*call)(void *arg), void *arg, bool onwards)
{
	bool met = true;
	int rc = 0;

	starving.onwards = onwards;
	for (unsigned long at = 1; met; at += 1 + at / 64) {
		long living;

		starve_once(what, call, arg, at, &met);
		living = starving.living;
		rc = starve_once(what, call, arg, at, &met);
		if (starving.living != living)
			fail_msg("%s: %ld lost without allocation %lu", what,
				starving.living - living, at);
	}
	assert_int_equal(rc, 0);
}

static inline void starve(const char *what, int (*call)(void *arg), void *arg)
{
	/* Twice: libraries keep something from the first time. */
	assert_int_equal(call(arg), 0);
	assert_int_equal(call(arg), 0);
	starve_mode(what, call, arg, false);
	starve_mode(what, call, arg, true);
}

#else

static inline void starve(const char *what, int (*call)(void *arg), void *arg)
{
	(void)what;
	assert_int_equal(call(arg), 0);
}

#endif
#endif
