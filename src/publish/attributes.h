/* SPDX-License-Identifier: MIT */
/*
 * What an entry carries besides its content, read from the file system: stat fields, link
 * target, extended attributes. POSIX ACLs are the attributes system.posix_acl_access and
 * system.posix_acl_default, file capabilities are security.capability. Left out, because
 * they say something about this machine and not about the file: all other system.*
 * attributes, security.selinux, security.SMACK64* and security.evm. Any thread.
 */
#ifndef CAIRN_PUBLISH_ATTRIBUTES_H
#define CAIRN_PUBLISH_ATTRIBUTES_H

#include <sys/stat.h>

#include "format/entry.h"
#include "util/bytes.h"
#include "util/error.h"

/* Packed bytes of one entry's attributes: its row, escaped, must fit into a page. */
#define XATTRS_SIZE_MAX (256u << 10)

/* Type, mode, owner, times, size (of files and symlinks), device numbers; the rest of
 * `out` is untouched. ERR_UNSUPPORTED when it is of a kind that the format lacks. */
int attributes_stat(const struct stat *st, struct entry *out);
/* The same file in the same state: device, inode, type, size, mtime, ctime. */
bool attributes_unchanged(const struct stat *a, const struct stat *b);
/* Nanoseconds since 1970. */
int64_t attributes_mtime(const struct stat *st);
int64_t attributes_ctime(const struct stat *st);

/* Can extended attributes be read here? Without /proc (in a bare chroot) they cannot:
 * ERR_UNSUPPORTED. */
int attributes_available(struct trouble *t);
/* Of `name` in `dirfd`, or with name "" of whatever that descriptor is: sorted and
 * packed, appended. A symlink is not followed. ERR_LIMIT; ERR_ABSENT when the file
 * vanished. */
int attributes_xattrs(int dirfd, const char *name, struct bytes *packed);
/* The target of the symlink `name`, appended. */
int attributes_target(int dirfd, const char *name, struct bytes *target);

#endif
