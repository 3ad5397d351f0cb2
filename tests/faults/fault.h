/* SPDX-License-Identifier: MIT */
/*
 * What goes wrong on purpose, and when. A fault that counts bytes counts those from
 * servers to clients, over all connections, since it was set. Pure; one thread.
 */
#ifndef CAIRN_FAULTS_FAULT_H
#define CAIRN_FAULTS_FAULT_H

#include <stddef.h>
#include <stdint.h>

enum fault_kind {
	FAULT_NONE,
	FAULT_REFUSE,	 /* nobody listens, every connection is reset */
	FAULT_BLACKHOLE, /* accepts, and forwards nothing in either direction */
	/* After some bytes: */
	FAULT_RESET,	/* the connection is reset */
	FAULT_TRUNCATE, /* the connection is closed as if all had been said */
	FAULT_STALL,	/* the connection stays open, and nothing more comes */
	FAULT_FLIP,	/* one bit is turned over */
	FAULT_ZERO,	/* the rest of the read at hand is zeros */
};

struct fault {
	enum fault_kind kind;
	uint64_t after; /* bytes until it strikes, and between strikes */
	uint64_t times; /* strikes that are left; UINT64_MAX: no end */
	uint64_t left;	/* bytes until the next strike */
	uint64_t struck;
};

/* "none", "refuse", "blackhole", "KIND AFTER [TIMES]": 0, or -1 when it is none of these.
 */
int fault_parse(const char *text, struct fault *out);
/* Shows it bytes on their way to a client. Changes them (flip, zero), or returns the kind
 * that must happen to the connection once the first *size bytes are through. */
enum fault_kind fault_strike(struct fault *f, uint8_t *data, size_t *size);

#endif
