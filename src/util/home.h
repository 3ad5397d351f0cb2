/* SPDX-License-Identifier: MIT */
/*
 * Where a user's files belong (XDG Base Directory Specification 0.8). Asked for by cli/ and
 * dataset/ for their defaults; reads the environment and the user database, makes nothing.
 * Any thread, as long as none changes the environment.
 */
#ifndef CAIRN_UTIL_HOME_H
#define CAIRN_UTIL_HOME_H

/* $XDG_CONFIG_HOME/cairn, else ~/.config/cairn; no home at all: /etc/cairn. Heap, the
 * caller frees it; NULL without memory. */
char *home_config_directory(void);
/* $XDG_CACHE_HOME/cairn, else ~/.cache/cairn; root without HOME, or no home at all:
 * /var/cache/cairn. Heap, the caller frees it; NULL without memory. */
char *home_cache_directory(void);

#endif
