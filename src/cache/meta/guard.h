/* SPDX-License-Identifier: MIT */
/*
 * What LMDB does when its file is damaged, turned into errors. It believes its own pages:
 * a wrong one makes it read outside of its map (SIGSEGV), from where the disk cannot be
 * read or the file has ended (SIGBUS), fail an assertion, or go round without end. So every
 * call into it is made through guard_call(), and signal handlers know what to do:
 *
 *   in a read     LMDB has changed nothing and holds no lock: guard_call() returns
 *                 MDB_CORRUPTED
 *   in a write    the same when the fault was an address in the map, one by a null pointer,
 *                 a page that any mapped file has lost (that of the locks is one), or an
 *                 assertion. What
 *                 LMDB had begun is left as it is, its lock too: nobody may call it again
 *                 (guard_is_abandoned()). Any other fault may mean that it has written over
 *                 this process's memory: the process ends, as it would without us
 *   outside       an address in the map, in a value that somebody looks at: zeros are put
 *                 there, so that he can come to an end; what he found must not be
 *                 believed (guard_is_sound())
 *   30 s of CPU   in one call of a writer: the process ends
 *   anything else not ours: the process ends, and no mark is left
 *
 * Each of them leaves a mark, the file `damaged` in the environment's directory; whoever
 * sees that moves the directory aside (objects/directory.h).
 *
 * Signal handlers know no arguments: the list of guards, this thread's call and the actions
 * that were there before (and what the two parts in util/, signal_stack.h and cpu_watch.h,
 * know of a thread) are the one state of the program that is not passed to who needs it.
 * Any thread; the first call of each gives it a stack for the handlers.
 */
#ifndef CAIRN_CACHE_META_GUARD_H
#define CAIRN_CACHE_META_GUARD_H

#include <lmdb.h>
#include <stdbool.h>
#include <stddef.h>

#define GUARD_MARK "damaged" /* the file's name */

struct guard;
/* For the environment in the directory `path`. ERR_NO_MEMORY, or what open() says. */
int guard_new(const char *path, struct guard **out);
void guard_free(struct guard *g);
/* Nothing has happened yet, to the environment that lies at the path now. Nobody makes a
 * call meanwhile. Errors as guard_new(). */
int guard_renew(struct guard *g, const char *path);
/* Where LMDB has mapped its file. NULL: not known, then only calls are guarded. */
void guard_set_map(struct guard *g, const void *map, size_t size);
/* For mdb_env_set_assert(). */
void guard_assert(MDB_env *env, const char *message);

/* Makes the call, and returns what it returned, or MDB_CORRUPTED. It must not hold or take
 * anything: it may not come back. */
typedef int (*guard_fn)(void *arg);
int guard_call(struct guard *g, guard_fn call, void *arg);
/* From here to guard_write_end() the calls of this thread are those of a writer. */
void guard_write_begin(struct guard *g);
void guard_write_end(struct guard *g);

/* Something else shows that the file is damaged. Leaves the mark. */
void guard_damaged(struct guard *g);
/* Has anybody left one, in this process or another? A system call. */
bool guard_is_marked(struct guard *g);
/* Nothing was found by this process. */
bool guard_is_sound(const struct guard *g);
bool guard_is_abandoned(const struct guard *g);
/* Memory that was abandoned with it, for ever. */
void guard_keep(void *what);

#endif
