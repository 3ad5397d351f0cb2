/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "util/signal_stack.h"

#define STACK_SIZE 65536 /* room for the widest registers there are */

/* So that the end of a thread is heard of. */
static pthread_once_t stack_key_once = PTHREAD_ONCE_INIT;
static pthread_key_t stack_key;

static void stack_free(void *stack)
{
	const stack_t none = {.ss_flags = SS_DISABLE};

	sigaltstack(&none, NULL);
	free(stack);
}

static void make_stack_key(void)
{
	pthread_key_create(&stack_key, stack_free);
}

void signal_stack_give(void)
{
	stack_t stack = {.ss_flags = 0};

	if (sigaltstack(NULL, &stack) || !(stack.ss_flags & SS_DISABLE))
		return;
	pthread_once(&stack_key_once, make_stack_key);
	stack = (stack_t){.ss_sp = malloc(STACK_SIZE), .ss_size = STACK_SIZE};
	if (!stack.ss_sp)
		return;
	if (sigaltstack(&stack, NULL) || pthread_setspecific(stack_key, stack.ss_sp))
		stack_free(stack.ss_sp);
}
