/* SPDX-License-Identifier: MIT */
/*
 * A line with a bar, amount, rate and time left on stderr, when that is a terminal: for
 * prefetch, get, cat into a file, publish and cache verify. A thread of its own draws it a
 * few times a second, whatever the tool waits for. SIGINT wipes it before it ends the
 * process. One at a time in a process; all functions take NULL.
 */
#ifndef CAIRN_CLI_PROGRESS_H
#define CAIRN_CLI_PROGRESS_H

#include <stdint.h>

struct progress;
/* NULL when stderr is no terminal, or another job's just now. `what` is borrowed:
 * "prefetch". */
struct progress *progress_new(const char *what);
/* From now on `done` is asked how many bytes are done, on the progress' thread, whenever it
 * draws. */
void progress_watch(struct progress *p, uint64_t (*done)(void *ctx), void *ctx);
/* Bytes; for who does not watch. */
void progress_set(struct progress *p, uint64_t done);
/* Bytes, when they are known. */
void progress_set_total(struct progress *p, uint64_t total);
/* What it does just now, a few words; NULL: nothing that is worth a word. */
void progress_say(struct progress *p, const char *words);
/* Wipes the line: something is about to be said on stderr. It comes back after a while.
 * Any thread. */
void progress_hide(void);
/* Wipes the line and frees. */
void progress_end(struct progress *p);

#endif
