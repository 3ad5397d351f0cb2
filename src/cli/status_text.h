/* SPDX-License-Identifier: MIT */
/*
 * What a mount says of itself, for people: a block of lines. One thread.
 */
#ifndef CAIRN_CLI_STATUS_TEXT_H
#define CAIRN_CLI_STATUS_TEXT_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

/* `before`: what it said `elapsed` ns ago, for what it does a second; NULL: nothing. */
void status_text(FILE *out, const json_t *reply, const json_t *before, int64_t elapsed);
/* "98.2%": those of `count` that did not have to wait. "-": there are none. */
#define STATUS_SHARE_TEXT 16
const char *status_share(uint64_t count, uint64_t waited, char text[STATUS_SHARE_TEXT]);

#endif
