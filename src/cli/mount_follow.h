/* SPDX-License-Identifier: MIT */
/*
 * Has a mount follow its dataset: a thread that asks for a newer revision at intervals, on
 * SIGHUP, and when it is told to, and has the session show it. What it cannot have or must
 * not accept leaves the mount where it is, with one line in the log for each cause.
 */
#ifndef CAIRN_CLI_MOUNT_FOLLOW_H
#define CAIRN_CLI_MOUNT_FOLLOW_H

#include "cli/mount_options.h"
#include "cli/reader.h"

struct mount_follow;
/* For a mount that the session shows; all are borrowed. SIGHUP is its own from now on. One
 * of a revision that was asked for by its number, or without network, has nothing to look
 * for. ERR_NO_MEMORY, ERR_NO_THREADS. */
int mount_follow_start(const struct mount_request *m, struct reader *r,
	struct session *session, struct mount_follow **out);
/* Waits for what is under way; whoever is in mount_follow_look() comes back. May be NULL,
 * as below. */
void mount_follow_stop(struct mount_follow *f);
void mount_follow_free(struct mount_follow *f);

/* How it stands, for who asks from another thread. Times in seconds since 1970. */
struct follow_state {
	bool follows;		/* or there is nothing to look for */
	int64_t every;		/* seconds; 0: only when it is told to */
	uint64_t revision;	/* that is shown */
	int64_t created;	/* it was published */
	int64_t shown;		/* since then */
	int64_t looked;		/* when the server last said what is newest; 0: not yet */
	struct trouble trouble; /* of the last look; code 0: it was well */
};
void mount_follow_state(struct mount_follow *f, struct follow_state *out);

/* Looks now. *revision: that is shown afterwards; *before: that was. Why nothing newer can
 * be had, with a sentence. Any thread. */
int mount_follow_look(
	struct mount_follow *f, uint64_t *before, uint64_t *revision, struct trouble *t);

#endif
