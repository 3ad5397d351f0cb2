/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/output.h"

#include <errno.h>
#include <stdio.h>

/* The stream keeps no cause, and no bytes that a flush at the end would fail with again. */
static int cause;

bool output_is_lost(void)
{
	if (!ferror(stdout))
		return false;
	if (!cause)
		cause = errno ? errno : EIO;
	return true;
}

int output_cause(void)
{
	return cause;
}
