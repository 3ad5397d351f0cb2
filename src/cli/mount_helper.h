/* SPDX-License-Identifier: MIT */
/*
 * `mount.cairn`: what mount(8) runs for file systems of type "cairn", from fstab too. It
 * is the program under another name; main() asks, and `cairn mount` does the work. Pure
 * but for mount_helper_run().
 */
#ifndef CAIRN_CLI_MOUNT_HELPER_H
#define CAIRN_CLI_MOUNT_HELPER_H

#include <stdbool.h>

/* Whether argv[0] says so. */
bool mount_helper_is(const char *program);

/* "mount" URL DIR [-o WORDS] [-v], NULL-terminated; borrows from the helper's own. */
#define MOUNT_HELPER_ARGUMENTS 7
struct mount_helper {
	char *argv[MOUNT_HELPER_ARGUMENTS];
	int argc;
	bool fake; /* -f: do all but mount */
};
/* The command line that mount(8) gives: URL DIR [-sfnv] [-N NAMESPACE] [-o OPTIONS]
 * [-t TYPE]. The options are cut: mount(8) says "rw" whenever "ro" was not asked for.
 * ERR_INVALID. */
int mount_helper_parse(char **argv, struct mount_helper *out);

/* All of it, from main()'s arguments: the exit status. Says what is wrong on stderr. */
int mount_helper_run(char **argv);

#endif
