/* SPDX-License-Identifier: MIT */
/*
 * Which boot of the machine this is, for whoever must know whether what it wrote without a
 * flush may have been lost since (the cache). Reads /proc or a sysctl; any thread.
 */
#ifndef CAIRN_UTIL_BOOT_ID_H
#define CAIRN_UTIL_BOOT_ID_H

#include <stdint.h>

/* A number that is the same in every process as long as the machine is up; another
 * one at each call when the system does not tell. */
uint64_t boot_id_number(void);

#endif
