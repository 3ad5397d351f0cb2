/* SPDX-License-Identifier: MIT */
/*
 * The journal of systemd, where the program was built with libsystemd and the journal runs.
 * For log.c. Any thread.
 */
#ifndef CAIRN_UTIL_JOURNAL_H
#define CAIRN_UTIL_JOURNAL_H

#include <stdbool.h>

bool journal_is_there(void);
/* One entry: MESSAGE, PRIORITY, SYSLOG_IDENTIFIER, and CAIRN_MOUNTPOINT and CAIRN_URL,
 * which may be NULL. What cannot be sent has nobody left to be told. */
void journal_send(int priority, const char *ident, const char *message,
	const char *mountpoint, const char *url);

#endif
