/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <signal.h>

#include "util/error.h"
#include "util/thread.h"

int thread_start(pthread_t *out, const char *name, void *(*run)(void *arg), void *arg)
{
	sigset_t all, before;
	int errnum;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	errnum = pthread_create(out, NULL, run, arg);
#ifdef HAVE_PTHREAD_SETNAME_NP
	if (!errnum && name)
		pthread_setname_np(*out, name);
#else
	(void)name;
#endif
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	/* EAGAIN is a limit of processes; glibc says it of a stack without memory, too. */
	if (errnum)
		return errnum == ENOMEM ? ERR_NO_MEMORY : ERR_NO_THREADS;
	return 0;
}
