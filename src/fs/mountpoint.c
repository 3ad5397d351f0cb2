/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/mountpoint.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/fusermount.h"
#include "fs/mount_ask.h"
#include "fs/mount_table.h"

#define DEVICE "/dev/fuse"
#define FUSE_CONF "/etc/fuse.conf"

static int check_empty(const char *path, struct trouble *t)
{
	DIR *d = opendir(path);
	struct dirent *e;
	int rc = 0;

	if (!d)
		return trouble_errno(t, "cannot look into the mount point %s", path);
	while (!rc && (e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			rc = trouble_set(t, ERR_BUSY,
				"%s is not empty: what is in it would be hidden; "
				"choose another directory, or mount with -o nonempty",
				path);
	closedir(d);
	return rc;
}

static int check_directory(const char *path, struct trouble *t)
{
	struct stat st;

	if (stat(path, &st))
		return trouble_errno(t, "the mount point %s cannot be used", path);
	if (!S_ISDIR(st.st_mode))
		return trouble_set(
			t, ERR_INVALID, "the mount point %s is not a directory", path);
	if (geteuid() != 0 && access(path, W_OK))
		return trouble_set(t, ERR_DENIED,
			"no permission to mount on %s: it must be a directory of your own",
			path);
	return 0;
}

static int gone(const char *path, struct trouble *t)
{
	return trouble_set(t, ERR_BUSY,
		"a mount whose process is gone lies on %s: run `cairn umount %s` first",
		path, path);
}

static int check_table(const char *path, struct trouble *t)
{
	char *source;
	bool ours;
	int rc = 0, state;

	if (mount_table_find(path, &source, &ours))
		return 0;
	state = ours ? mount_ask_state(path) : 0;
	if (state == ERR_ABSENT)
		rc = gone(path, t);
	else if (state)
		rc = trouble_set(t, ERR_BUSY,
			"%s is already mounted on %s, and does not answer (is its process "
			"stopped?): run `cairn umount --lazy %s` first",
			source, path, path);
	else if (ours)
		rc = trouble_set(t, ERR_BUSY,
			"%s is already mounted on %s: run `cairn umount %s` first", source,
			path, path);
	free(source);
	return rc;
}

int mountpoint_check(const char *path, bool nonempty, char **resolved, struct trouble *t)
{
	char *real = realpath(path, NULL);
	int rc;

	if (!real && errno == ENOENT)
		return trouble_set(t, ERR_ABSENT,
			"the mount point %s does not exist: make it with mkdir", path);
	if (!real && errno == ENOTCONN)
		return gone(path, t);
	if (!real)
		return trouble_errno(t, "the mount point %s cannot be used", path);
	rc = check_table(real, t);
	if (!rc)
		rc = check_directory(real, t);
	if (!rc && !nonempty)
		rc = check_empty(real, t);
	if (rc)
		free(real);
	else
		*resolved = real;
	return rc;
}

/* fuse.conf(5): a line that says just user_allow_other. */
static bool others_allowed(void)
{
	FILE *f = fopen(FUSE_CONF, "re");
	char line[256];
	bool allowed = false;

	if (!f)
		return errno != ENOENT; /* the helper will tell */
	while (!allowed && fgets(line, sizeof line, f)) {
		char *word = line + strspn(line, " \t");

		word[strcspn(word, " \t\r\n#")] = '\0';
		allowed = strcmp(word, "user_allow_other") == 0;
	}
	fclose(f);
	return allowed;
}

int mountpoint_permitted(bool allow_other, struct trouble *t)
{
	int fd;

	if (access(DEVICE, F_OK))
		return trouble_set(t, ERR_ABSENT,
			DEVICE
			" does not exist: load the kernel module (modprobe fuse), or give "
			"the container that device");
	if (geteuid() == 0) {
		fd = open(DEVICE, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			return trouble_errno(t, DEVICE " cannot be opened");
		close(fd);
		return 0;
	}
	if (!fusermount_is_there())
		return trouble_set(t, ERR_ABSENT,
			FUSERMOUNT
			" is missing, without which only root can mount: install fuse3");
	if (allow_other && !others_allowed())
		return trouble_set(t, ERR_DENIED,
			"allow_other is not permitted: it needs a line 'user_allow_other' "
			"in " FUSE_CONF);
	return 0;
}

static int busy(const char *path, struct trouble *t)
{
	return trouble_set(t, ERR_BUSY,
		"%s is in use (`fuser -vm %s` shows by whom): end that, or run `cairn "
		"umount "
		"--lazy %s`",
		path, path, path);
}

static int unmount_by_helper(const char *path, bool lazy, struct trouble *t)
{
	char text[FUSERMOUNT_TEXT_MAX];
	int status;

	if (!fusermount_is_there())
		return trouble_set(t, ERR_ABSENT,
			FUSERMOUNT
			" is missing, without which only root can unmount: install fuse3");
	status = fusermount_unmount(path, lazy, text);
	if (status == 0)
		return 0;
	if (strstr(text, strerror(EBUSY)))
		return busy(path, t);
	return trouble_set(t, ERR_DENIED, "%s could not be unmounted: %s", path,
		text[0] ? text : "no permission");
}

static int unmount_by_root(const char *path, bool lazy, struct trouble *t)
{
#ifdef MNT_DETACH
	int failed = umount2(path, lazy ? MNT_DETACH : 0);
#else
	int failed = unmount(path, lazy ? MNT_FORCE : 0);
#endif
	if (!failed)
		return 0;
	return errno == EBUSY ? busy(path, t)
			      : trouble_errno(t, "%s could not be unmounted", path);
}

int mountpoint_unmount(const char *resolved, bool lazy, struct trouble *t)
{
	char *source = NULL;
	bool ours = false;
	int rc = mount_table_find(resolved, &source, &ours);

	free(source);
	if (rc != ERR_UNSUPPORTED && !ours)
		return trouble_set(
			t, ERR_ABSENT, "nothing is mounted by cairn on %s", resolved);
	if (geteuid() == 0)
		return unmount_by_root(resolved, lazy, t);
	return unmount_by_helper(resolved, lazy, t);
}
