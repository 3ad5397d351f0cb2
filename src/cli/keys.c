/* SPDX-License-Identifier: MIT */
#include "cli/keys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/home.h"
#include "util/io.h"

#define KEY_FILE_MAX 65536
#define SUFFIX ".pem"

static char *keys_directory(struct trouble *t)
{
	char *config = home_config_directory();
	char *dir = NULL;

	if (!config || asprintf(&dir, "%s/keys", config) < 0) {
		trouble_set(t, ERR_NO_MEMORY, "out of memory");
		dir = NULL;
	}
	free(config);
	return dir;
}

char *keys_path(const char *name, struct trouble *t)
{
	char *dir, *path = NULL;

	if (!*name || *name == '.' || strchr(name, '/')) {
		trouble_set(t, ERR_INVALID,
			"'%s' is no name for a key; for a file use --file", name);
		return NULL;
	}
	dir = keys_directory(t);
	if (dir && asprintf(&path, "%s/%s%s", dir, name, SUFFIX) < 0) {
		trouble_set(t, ERR_NO_MEMORY, "out of memory");
		path = NULL;
	}
	free(dir);
	return path;
}

int keys_load(const char *path, struct private_key **out, struct trouble *t)
{
	struct bytes pem = {0};
	struct stat st;
	int err;

	if (stat(path, &st))
		return trouble_errno(t, "cannot read the key %s", path);
	if (st.st_mode & 077)
		return trouble_set(t, ERR_DENIED,
			"the key %s can be read by others: chmod 600 it, or make a new one",
			path);
	err = io_read_file(AT_FDCWD, path, KEY_FILE_MAX, &pem);
	if (err)
		err = trouble_set(
			t, err, "cannot read the key %s: %s", path, error_text(err));
	else if ((err = private_key_decode(span_of_bytes(&pem), out)) != 0)
		trouble_set(
			t, err, "%s is not an unencrypted Ed25519 key in PEM form", path);
	if (pem.data)
		explicit_bzero(pem.data, pem.size);
	bytes_release(&pem);
	return err;
}

static int make_parent(const char *path, struct trouble *t)
{
	char *copy = strdup(path);
	int err = copy ? io_make_directories(dirname(copy), 0700) : ERR_NO_MEMORY;

	if (err)
		err = trouble_errno(t, "cannot make the directory of the key %s", path);
	free(copy);
	return err;
}

int keys_make(const char *path, struct private_key **out, struct trouble *t)
{
	struct private_key *key = NULL;
	struct bytes pem = {0};
	int err, fd = -1;

	err = make_parent(path, t);
	if (err)
		return err;
	if ((err = private_key_generate(&key)) || (err = private_key_encode(key, &pem))) {
		trouble_set(t, err, "cannot make a key");
		goto out;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		err = errno == EEXIST ? trouble_set(t, ERR_EXISTS,
						"%s exists; it is not overwritten", path)
				      : trouble_errno(t, "cannot make %s", path);
		goto out;
	}
	if ((err = io_write_full(fd, pem.data, pem.size)) ||
		(err = fsync(fd) ? ERR_IO : 0)) {
		trouble_set(t, err, "cannot write the key %s: %s", path, error_text(err));
		unlink(path);
	}
out:
	if (fd >= 0)
		close(fd);
	if (pem.data)
		explicit_bzero(pem.data, pem.size);
	bytes_release(&pem);
	if (err)
		private_key_free(key);
	else
		*out = key;
	return err;
}

int keys_each(int (*each)(void *ctx, const char *name, const char *path), void *ctx,
	struct trouble *t)
{
	char *dir = keys_directory(t);
	DIR *d = dir ? opendir(dir) : NULL;
	struct dirent *e;
	int err = dir ? 0 : ERR_NO_MEMORY;

	while (d && !err && (e = readdir(d))) {
		size_t n = strlen(e->d_name);
		char name[256], *path;

		if (e->d_name[0] == '.' || n <= strlen(SUFFIX) ||
			strcmp(e->d_name + n - strlen(SUFFIX), SUFFIX) != 0)
			continue;
		snprintf(name, sizeof name, "%.*s", (int)(n - strlen(SUFFIX)), e->d_name);
		path = keys_path(name, t);
		err = path ? each(ctx, name, path) : ERR_NO_MEMORY;
		free(path);
	}
	if (d)
		closedir(d);
	free(dir);
	return err;
}
