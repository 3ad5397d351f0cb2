/* SPDX-License-Identifier: MIT */
/* Whether the machine runs on its battery, as Linux says in /sys/class/power_supply
 * (Documentation/ABI/testing/sysfs-class-power). Elsewhere it never does. Any thread. */
#ifndef CAIRN_UTIL_POWER_H
#define CAIRN_UTIL_POWER_H

#include <stdbool.h>

#define POWER_SUPPLIES "/sys/class/power_supply"

/* A battery (not that of a mouse), or a UPS, is being discharged, and no mains are there.
 */
bool power_is_battery(const char *supplies);

#endif
