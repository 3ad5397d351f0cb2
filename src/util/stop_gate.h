/* SPDX-License-Identifier: MIT */
/*
 * Ctrl-Z at the wrong moment: a process that is stopped while it holds a lock keeps others
 * waiting. So while anybody is within the gate, SIGTSTP is only noted, and the last to
 * leave stops the process; until it goes on, nobody enters. (SIGSTOP cannot be put off:
 * hence the deadlines of whoever waits for such a lock.) For file_lock.c.
 *
 * There is one for the process, as there is one SIGTSTP: from the first time that it is
 * entered it has a handler for that, unless the signal was ignored or handled before. Any
 * thread, whatever it has blocked.
 */
#ifndef CAIRN_UTIL_STOP_GATE_H
#define CAIRN_UTIL_STOP_GATE_H

/* Between these two no SIGTSTP stops the process. May be nested, and left by another thread
 * than entered. */
void stop_gate_enter(void);
void stop_gate_leave(void);

#endif
