/* SPDX-License-Identifier: MIT */
/*
 * For tests, as root on Linux: a disk that promises more than it has. An ext4 file system
 * without a journal lies in an image with holes, on a tmpfs that is smaller: what is
 * written is taken, and when the kernel writes it back, some of it fails.
 */
#ifndef CAIRN_TESTS_THIN_DISK_H
#define CAIRN_TESTS_THIN_DISK_H

#include <fcntl.h>
#include <unistd.h>

#include "unit/meta_samples.h"

struct thin_disk {
	char *base;	 /* a directory */
	char cache[128]; /* where the cache goes, on the disk */
};

static inline bool thin_run(const struct thin_disk *d, const char *script)
{
	char *command = NULL;
	bool done;

	assert_true(
		asprintf(&command,
			"{ PATH=$PATH:/usr/sbin:/sbin; cd '%s' && %s; } >/dev/null 2>&1",
			d->base, script) > 0);
	done = system(command) == 0;
	free(command);
	return done;
}

#define THIN_MOUNT                                                                         \
	"losetup -f --show thin/image >thin/device && mount \"$(cat thin/device)\" disk"
#define THIN_UNMOUNT "umount -l disk; losetup -d \"$(cat thin/device)\""

/* NULL: that cannot be had here. `megabytes` are what it has. */
static inline struct thin_disk *thin_disk_new(unsigned megabytes)
{
	struct thin_disk *d = calloc(1, sizeof *d);
	char script[512];

	d->base = sample_directory();
	snprintf(d->cache, sizeof d->cache, "%s/disk/cache", d->base);
	snprintf(script, sizeof script,
		"mkdir thin disk && mount -t tmpfs -o size=%um tmpfs thin && "
		"truncate -s 100M thin/image && "
		"mkfs.ext4 -q -O ^has_journal -E nodiscard thin/image && " THIN_MOUNT,
		megabytes);
	if (geteuid() == 0 && thin_run(d, script))
		return d;
	thin_run(d, THIN_UNMOUNT "; umount -l thin");
	sample_remove(d->base);
	free(d);
	return NULL;
}

static inline void thin_disk_free(struct thin_disk *d)
{
	if (!d)
		return;
	thin_run(d, THIN_UNMOUNT "; umount -l thin");
	sample_remove(d->base);
	free(d);
}

/* All that is dirty is written back, as far as that goes, and somebody else has heard of
 * what failed; then memory is short. */
static inline void thin_disk_forget(struct thin_disk *d)
{
	int fd = open(d->cache, O_RDONLY);

	assert_true(fd >= 0);
	(void)syncfs(fd);
	(void)syncfs(fd);
	close(fd);
	/* Directories may be lost, too. */
	thin_run(d, "find disk -type f -exec dd if={} iflag=nocache count=0 \\;");
}

/* It is pulled out as it is now, comes back, and has room for all that was promised. */
static inline void thin_disk_pull_out(struct thin_disk *d)
{
	assert_true(thin_run(d, "cp --sparse=always thin/image image"));
	thin_run(d, THIN_UNMOUNT);
	assert_true(thin_run(d, "rm thin/image && mount -o remount,size=300m thin && "
				"mv image thin/image && { fsck.ext4 -fy thin/image || :; } "
				"&& " THIN_MOUNT));
}

#endif
