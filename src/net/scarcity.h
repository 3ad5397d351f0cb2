/* SPDX-License-Identifier: MIT */
/*
 * Did a transfer of libcurl's fail because this machine had something no more: descriptors,
 * threads, memory? libcurl says that it could not resolve, connect, or read a file of
 * certificates, as of a server or a file that is wrong. For the fetcher's thread alone.
 */
#ifndef CAIRN_NET_SCARCITY_H
#define CAIRN_NET_SCARCITY_H

#include <curl/curl.h>

/* `words` are libcurl's. ERR_NO_FILES, ERR_NO_THREADS, ERR_NO_MEMORY; 0: not that anybody
 * could see. A few system calls, for a code that it may be behind. */
int scarcity_of(CURL *easy, CURLcode code, const char *words);

#endif
