/* SPDX-License-Identifier: MIT */
/*
 * What a mount says of itself (mount_state_json.h), read by those who asked. It is another
 * process, maybe of another version: what it leaves out is empty here, what it says is
 * shown only as far as it may be. One thread.
 */
#ifndef CAIRN_CLI_STATUS_REPLY_H
#define CAIRN_CLI_STATUS_REPLY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* The member of that name, and within it the one of that: "cache", "quota". `key` may be
 * NULL. 0 when it is no number. */
uint64_t reply_number(const json_t *reply, const char *name, const char *key);
/* Prints the text there, whether it is words or the bytes of a name; "?" when there is
 * none.
 */
void reply_print(FILE *out, const json_t *reply, const char *name, const char *key);
bool reply_is(const json_t *reply, const char *name, const char *key, const char *text);

#endif
