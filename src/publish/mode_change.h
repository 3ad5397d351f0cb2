/* SPDX-License-Identifier: MIT */
/*
 * Permission bits as people change them: what chmod(1) takes, octal ("755") or symbolic
 * ("u=rw,go=rX", "a-st"). Who is not named is everybody: the umask has no say, so that the
 * same words give the same bits everywhere. Pure.
 */
#ifndef CAIRN_PUBLISH_MODE_CHANGE_H
#define CAIRN_PUBLISH_MODE_CHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODE_STEPS_MAX 32

/* One of "=", "+" and "-" with what follows it. */
struct mode_step {
	char operator;
	uint16_t who;	  /* bits that may change */
	uint16_t bits;	  /* of all users, and set-id and sticky bits */
	uint16_t copied;  /* "u", "g" or "o": 0700, 0070 or 0007, whose bits are taken; or 0
			   */
	bool conditional; /* "X" */
};

struct mode_change {
	size_t count; /* 0: nothing changes */
	struct mode_step steps[MODE_STEPS_MAX];
};

/* ERR_INVALID. */
int mode_change_parse(const char *text, struct mode_change *out);
/* `mode` and the result: permission bits, 07777. */
uint16_t mode_change_apply(const struct mode_change *change, uint16_t mode, bool directory);

#endif
