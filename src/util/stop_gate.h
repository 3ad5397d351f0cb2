/* SPDX-License-Identifier: MIT */
/*
 * Ctrl-Z at the wrong moment: a process that is stopped while it holds a lock keeps others
 * waiting. So SIGTSTP is blocked in all threads but one of the gate's own, which takes it
 * and stops the process once nobody is within the gate; until it goes on, nobody enters.
 * (SIGSTOP cannot be put off: hence the deadlines of whoever waits for such a lock.)
 *
 * Any thread. gate_mtx is taken before no other lock of ours, and held while stopped.
 */
#ifndef CAIRN_UTIL_STOP_GATE_H
#define CAIRN_UTIL_STOP_GATE_H

struct stop_gate;
/* Blocks SIGTSTP in the calling thread, and so in all that it starts. NULL: it cannot be
 * had, and stops are not put off, which all below bear. */
struct stop_gate *stop_gate_new(void);
/* From the thread that made it: as it was before. Nobody is within. */
void stop_gate_free(struct stop_gate *g);

/* Between these two no SIGTSTP stops the process. May be nested. */
void stop_gate_enter(struct stop_gate *g);
void stop_gate_leave(struct stop_gate *g);

#endif
