/* SPDX-License-Identifier: MIT */
/*
 * Who uses the cache, each a process with a file in users/ (directory.h) that it holds
 * locked (flock) as long as it lives: so the others can tell a dead one's leases. flock
 * knows no pid, and so works across containers. Any thread.
 */
#ifndef CAIRN_CACHE_OBJECTS_USER_H
#define CAIRN_CACHE_OBJECTS_USER_H

#include <stdbool.h>
#include <stdint.h>

/* A number that nobody has, never 0; its file is locked as long as *fd, the caller's, is
 * open. On failure errno says why. */
int user_join(int users_fd, uint32_t *user, int *fd);
/* Closes it; the file is removed. */
void user_leave(int users_fd, uint32_t user, int fd);
/* Does it live? A dead one's file is removed. */
bool user_lives(int users_fd, uint32_t user);

#endif
