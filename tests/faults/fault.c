/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fault.h"

static const char *const kind_names[] = {
	[FAULT_NONE] = "none",
	[FAULT_REFUSE] = "refuse",
	[FAULT_BLACKHOLE] = "blackhole",
	[FAULT_RESET] = "reset",
	[FAULT_TRUNCATE] = "truncate",
	[FAULT_STALL] = "stall",
	[FAULT_FLIP] = "flip",
	[FAULT_ZERO] = "zero",
};

int fault_parse(const char *text, struct fault *out)
{
	struct fault f = {.times = UINT64_MAX};
	char name[16];
	int count = sscanf(text, "%15s %" SCNu64 " %" SCNu64, name, &f.after, &f.times);

	for (size_t i = 0; count > 0 && i < sizeof(kind_names) / sizeof(*kind_names); i++) {
		if (strcmp(name, kind_names[i]) != 0)
			continue;
		f.kind = (enum fault_kind)i;
		if (f.kind >= FAULT_RESET && count < 2)
			return -1;
		f.left = f.after;
		*out = f;
		return 0;
	}
	return -1;
}

enum fault_kind fault_strike(struct fault *f, uint8_t *data, size_t *size)
{
	size_t at;

	if (f->kind < FAULT_RESET || f->times == 0)
		return FAULT_NONE;
	if (f->left >= *size) {
		f->left -= *size;
		return FAULT_NONE;
	}
	at = (size_t)f->left;
	f->left = f->after;
	f->struck++;
	if (f->times != UINT64_MAX)
		f->times--;
	if (f->kind == FAULT_FLIP) {
		data[at] ^= 1;
		return FAULT_NONE;
	}
	if (f->kind == FAULT_ZERO) {
		memset(data + at, 0, *size - at);
		return FAULT_NONE;
	}
	*size = at;
	return f->kind;
}
