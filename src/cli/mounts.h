/* SPDX-License-Identifier: MIT */
/*
 * Which mounts run: one small JSON file each, in /run/cairn (root) or
 * $XDG_RUNTIME_DIR/cairn, else /tmp/cairn-UID. Written by `cairn mount` once the mount
 * answers, removed at its end; a file whose process is gone is ignored and removed. Lets
 * tools take a mount point where they take a URL. Blocking file I/O.
 */
#ifndef CAIRN_CLI_MOUNTS_H
#define CAIRN_CLI_MOUNTS_H

#include "cli/mount_record.h"

/* Notes that this process has mounted what `r` reads and shows that revision, or another
 * one by now. `mountpoint` must be resolved already. A code with a sentence. */
int mounts_add(const char *mountpoint, const struct reader_options *o,
	const struct reader *r, uint64_t revision, struct trouble *t);
/* The same of a mount that goes on; does nothing where another process has mounted there
 * since, and this one was let go of lazily. */
int mounts_renew(const char *mountpoint, const struct reader_options *o,
	const struct reader *r, uint64_t revision, struct trouble *t);
/* Takes the note back; no error when there is none, or it is another process's. */
void mounts_remove(const char *mountpoint);
/* The running mount that `path` is in or at; *below (heap) is the rest of the path, "" for
 * the mount point itself. *out is to be released. ERR_ABSENT. */
int mounts_find(const char *path, struct mount_record *out, char **below);
/* The mount point of that one: heap, or NULL with a sentence. */
char *mounts_named(const char *path, struct trouble *t);
/* Each running mount of this user, borrowed; non-zero stops and is returned. */
int mounts_each(int (*each)(void *ctx, const struct mount_record *m), void *ctx);
/* Where that is, with as much of it resolved as exists and answers: heap, or NULL. */
char *mounts_resolve(const char *path);
/* All that run, by mount point; of root: those of other users as well, after root's own, as
 * far as their $XDG_RUNTIME_DIR is where it usually is. What these say is theirs. Those
 * that nobody has a note of have no socket and no pid. Heap, to be freed by
 * mounts_list_free(). ERR_NO_MEMORY. */
struct mounts_list {
	struct mount_record *items;
	size_t count;
};
int mounts_list(struct mounts_list *out);
void mounts_list_free(struct mounts_list *l);
/* Where the mount at that resolved path is asked (control/control.h): heap, or NULL. */
char *mounts_socket(const char *mountpoint);
/* Makes options read the same dataset through the same cache as the mount does, where they
 * do not say otherwise; asks for the password of its client key. The record must outlive
 * the options' use. */
void mounts_options(const struct mount_record *m, struct reader_options *o);

#endif
