/* SPDX-License-Identifier: MIT */
/*
 * What the kernel has asked for. A request is a plain value: it lives on the stack of a
 * FUSE thread until it parks (request_run.h), and is tried as often as needed
 * (request_try.h).
 */
#ifndef CAIRN_FS_REQUEST_H
#define CAIRN_FS_REQUEST_H

#include <fuse_lowlevel.h>
#include <stdbool.h>
#include <stdint.h>

#include "fs/meters.h"
#include "fs/node.h"
#include "fs/readahead.h"
#include "util/digest.h"

struct filesystem;
struct request;
struct request_try;

/* For nodes that are no entry of any revision (dot_cairn.h). */
enum request_asks {
	ASKS_OTHER,
	ASKS_NAME,
	ASKS_ATTRIBUTES,
	ASKS_TARGET, /* of a symbolic link */
	ASKS_LISTING,
	ASKS_LISTING_PLUS,
};

struct request_kind {
	const char *name; /* for the log: "read" */
	enum meter meter;
	/* 0: t->answer is filled; ERR_PENDING: t->attempt has wants; or what went wrong. */
	int (*step)(struct request *r, struct request_try *t);
	/* May be NULL. Runs once, after the first try was answered or parked: asks for what
	 * will be needed. Must not touch r->fuse. */
	void (*after)(struct request *r);
	bool of_child;	  /* request->name is one in the directory asked about */
	bool asked_twice; /* when it fails, the kernel may ask again at once: see
			   * recent_failures.h */
	enum request_asks asks;
};

/* What the step of a read has seen of its file. */
struct request_file {
	bool seen;
	bool has_neighbours;  /* others may lie in the same object, or in those behind it */
	struct digest object; /* has_neighbours */
	uint64_t size;	      /* bytes */
};

struct request {
	struct filesystem *fs; /* borrowed */
	fuse_req_t fuse;       /* answered exactly once */
	const struct request_kind *kind;
	struct node node; /* asked about */
	const char *name; /* borrowed; NULL when the question has none */
	uint64_t offset;
	size_t size; /* bytes that the answer may have */
	int whence;
	int64_t began;		  /* CLOCK_MONOTONIC ns: it was received */
	bool waited;		  /* for what was not here */
	struct run ahead;	  /* of a listing: ranks whose leaves are to be fetched */
	struct request_file file; /* of a read, from its first try */
};

#endif
