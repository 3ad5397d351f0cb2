/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "util/journal.h"

#ifdef HAVE_LIBSYSTEMD

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>
#include <unistd.h>

/* sd_journal_send(3) takes it for success when nobody listens there. */
#define JOURNAL_SOCKET "/run/systemd/journal/socket"

bool journal_is_there(void)
{
	return access(JOURNAL_SOCKET, W_OK) == 0;
}

void journal_send(int priority, const char *ident, const char *message,
	const char *mountpoint, const char *url)
{
	/* NULL ends the list of fields. */
	if (mountpoint && url)
		(void)sd_journal_send("MESSAGE=%s", message, "PRIORITY=%i", priority,
			"SYSLOG_IDENTIFIER=%s", ident, "CAIRN_MOUNTPOINT=%s", mountpoint,
			"CAIRN_URL=%s", url, NULL);
	else
		(void)sd_journal_send("MESSAGE=%s", message, "PRIORITY=%i", priority,
			"SYSLOG_IDENTIFIER=%s", ident, NULL);
}

#else

bool journal_is_there(void)
{
	return false;
}

void journal_send(int priority, const char *ident, const char *message,
	const char *mountpoint, const char *url)
{
	(void)priority, (void)ident, (void)message, (void)mountpoint, (void)url;
}

#endif
