/* SPDX-License-Identifier: MIT */
/* Which boot of the machine this is: what was written in another one may be lost. */
#ifndef CAIRN_UTIL_BOOT_ID_H
#define CAIRN_UTIL_BOOT_ID_H

#include <stdint.h>

/* The same as long as the machine is up; another one each time when that cannot be told. */
uint64_t boot_id_number(void);

#endif
