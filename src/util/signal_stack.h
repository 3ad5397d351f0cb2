/* SPDX-License-Identifier: MIT */
/*
 * A stack for the signal handlers of a thread, for faults that its own may be the cause of
 * (sigaltstack(2)); it goes with the thread. Any thread.
 */
#ifndef CAIRN_UTIL_SIGNAL_STACK_H
#define CAIRN_UTIL_SIGNAL_STACK_H

/* Gives this thread one, unless it has one: sanitizers give theirs. Without memory for it,
 * handlers run on the thread's own stack. */
void signal_stack_give(void);

#endif
