/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/mountpoint.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEVICE "/dev/fuse"
#define HELPER "fusermount3"
#define HELPER_DIRECTORIES "/usr/bin:/bin:/usr/local/bin:/usr/local/sbin"
#define MOUNT_TABLE "/proc/self/mountinfo"
#define FUSE_CONF "/etc/fuse.conf"
#define HELPER_TEXT_MAX 512

extern char **environ;

/* ---- the mount table ---- */

/* Undoes the \040 of proc(5) in place. */
static void unescape(char *s)
{
	char *out = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' &&
			s[2] <= '7' && s[3] >= '0' && s[3] <= '7') {
			*out++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 +
					(s[3] - '0'));
			s += 3;
		} else {
			*out++ = *s;
		}
	}
	*out = '\0';
}

/* Field `index` of a line, cut off in place; NULL when there are fewer. */
static char *field(char *line, unsigned index)
{
	char *save = NULL;
	char *token = strtok_r(line, " \n", &save);

	while (token && index--)
		token = strtok_r(NULL, " \n", &save);
	return token;
}

struct mount_line {
	char *at, *type, *source; /* borrow from the line */
};

/* proc(5): "... mount-point options [optional...] - type source super-options". */
static bool parse_line(char *line, struct mount_line *out)
{
	char *tail = strstr(line, " - ");
	char *copy;

	if (!tail)
		return false;
	*tail = '\0';
	tail += 3;
	copy = strchr(tail, ' ');
	if (!copy)
		return false;
	*copy++ = '\0';
	out->type = tail;
	out->source = field(copy, 0);
	out->at = field(line, 4);
	if (!out->at || !out->source)
		return false;
	unescape(out->at);
	unescape(out->source);
	return true;
}

int mountpoint_find(const char *resolved, char **source, bool *is_ours)
{
	FILE *table = fopen(MOUNT_TABLE, "re");
	struct mount_line m;
	char *line = NULL, *found = NULL;
	size_t capacity = 0;
	bool ours = false;

	if (!table)
		return ERR_UNSUPPORTED;
	/* The last line of a path is the mount on top. */
	while (getline(&line, &capacity, table) > 0) {
		if (!parse_line(line, &m) || strcmp(m.at, resolved) != 0)
			continue;
		free(found);
		found = strdup(m.source);
		ours = strcmp(m.type, "fuse." MOUNT_SUBTYPE) == 0;
	}
	free(line);
	fclose(table);
	if (!found)
		return ERR_ABSENT;
	*source = found;
	*is_ours = ours;
	return 0;
}

/* ---- before ---- */

static int check_empty(const char *path, struct trouble *t)
{
	DIR *d = opendir(path);
	struct dirent *e;
	int err = 0;

	if (!d)
		return trouble_errno(t, "cannot look into the mount point %s", path);
	while (!err && (e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			err = trouble_set(t, ERR_BUSY,
				"%s is not empty: what is in it would be hidden; "
				"choose another directory, or mount with -o nonempty",
				path);
	closedir(d);
	return err;
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

/* statvfs asks the daemon itself; what stat gives may be the kernel's memory. */
static int check_table(const char *path, struct trouble *t)
{
	struct statvfs st;
	char *source;
	bool ours;
	int err = 0;

	if (mountpoint_find(path, &source, &ours))
		return 0;
	if (ours && statvfs(path, &st) && errno == ENOTCONN)
		err = gone(path, t);
	else if (ours)
		err = trouble_set(t, ERR_BUSY,
			"%s is already mounted on %s: run `cairn umount %s` first", source,
			path, path);
	free(source);
	return err;
}

int mountpoint_check(const char *path, bool nonempty, char **resolved, struct trouble *t)
{
	char *real = realpath(path, NULL);
	int err;

	if (!real && errno == ENOENT)
		return trouble_set(t, ERR_ABSENT,
			"the mount point %s does not exist: make it with mkdir", path);
	if (!real && errno == ENOTCONN)
		return gone(path, t);
	if (!real)
		return trouble_errno(t, "the mount point %s cannot be used", path);
	err = check_table(real, t);
	if (!err)
		err = check_directory(real, t);
	if (!err && !nonempty)
		err = check_empty(real, t);
	if (err)
		free(real);
	else
		*resolved = real;
	return err;
}

static bool find_helper(const char *directories)
{
	char path[4096];

	while (directories && *directories) {
		size_t n = strcspn(directories, ":");

		if (n && n + sizeof "/" HELPER < sizeof path) {
			snprintf(path, sizeof path, "%.*s/%s", (int)n, directories, HELPER);
			if (access(path, X_OK) == 0)
				return true;
		}
		directories += n + (directories[n] == ':');
	}
	return false;
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
	if (!find_helper(HELPER_DIRECTORIES) && !find_helper(getenv("PATH")))
		return trouble_set(t, ERR_ABSENT,
			HELPER
			" is missing, without which only root can mount: install fuse3");
	if (allow_other && !others_allowed())
		return trouble_set(t, ERR_DENIED,
			"allow_other is not permitted: it needs a line 'user_allow_other' "
			"in " FUSE_CONF);
	return 0;
}

/* ---- after ---- */

/* Runs the helper, with what it says on stderr in `text`. The exit status, or -1. */
static int run_helper(const char *path, bool lazy, char text[HELPER_TEXT_MAX])
{
	const char *argv[] = {HELPER, "-u", lazy ? "-z" : "--", lazy ? "--" : path,
		lazy ? path : NULL, NULL};
	posix_spawn_file_actions_t actions;
	int out[2], status = -1;
	ssize_t n;
	pid_t pid;

	text[0] = '\0';
	if (pipe(out))
		return -1;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, out[1], STDERR_FILENO);
	posix_spawn_file_actions_addclose(&actions, out[0]);
	errno = posix_spawnp(&pid, HELPER, &actions, NULL, (char **)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(out[1]);
	if (errno == 0) {
		n = read(out[0], text, HELPER_TEXT_MAX - 1);
		text[n > 0 ? n : 0] = '\0';
		text[strcspn(text, "\n")] = '\0';
		if (waitpid(pid, &status, 0) == pid)
			status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	}
	close(out[0]);
	return status;
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
	char text[HELPER_TEXT_MAX];
	int status;

	if (!find_helper(HELPER_DIRECTORIES) && !find_helper(getenv("PATH")))
		return trouble_set(t, ERR_ABSENT,
			HELPER
			" is missing, without which only root can unmount: install fuse3");
	status = run_helper(path, lazy, text);
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
	int err = mountpoint_find(resolved, &source, &ours);

	free(source);
	if (err != ERR_UNSUPPORTED && !ours)
		return trouble_set(
			t, ERR_ABSENT, "nothing is mounted by cairn on %s", resolved);
	if (geteuid() == 0)
		return unmount_by_root(resolved, lazy, t);
	return unmount_by_helper(resolved, lazy, t);
}
