/* SPDX-License-Identifier: MIT */
#include <config.h>

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
	int rc;

	if (stat(path, &st))
		return trouble_errno(t, "cannot read the key %s", path);
	if (st.st_mode & 077)
		return trouble_set(t, ERR_DENIED,
			"the key %s can be read by others: chmod 600 it, or make a new one",
			path);
	rc = io_read_file(AT_FDCWD, path, KEY_FILE_MAX, &pem);
	if (rc)
		rc = trouble_set(t, rc, "cannot read the key %s: %s", path, error_text(rc));
	else if ((rc = private_key_decode(span_of_bytes(&pem), out)) != 0)
		trouble_set(
			t, rc, "%s is not an unencrypted Ed25519 key in PEM form", path);
	if (pem.data)
		explicit_bzero(pem.data, pem.size);
	bytes_release(&pem);
	return rc;
}

int keys_load_own(const char *file, struct private_key **out, struct trouble *t)
{
	char *path;
	int rc;

	if (file)
		return keys_load(file, out, t);
	path = keys_path("default", t);
	if (!path)
		return t->code;
	rc = keys_load(path, out, t);
	free(path);
	return rc;
}

static int keys_make_parent(const char *path, struct trouble *t)
{
	char *copy = strdup(path);
	int rc = copy ? io_make_directories(dirname(copy), 0700) : ERR_NO_MEMORY;

	if (rc)
		rc = trouble_errno(t, "cannot make the directory of the key %s", path);
	free(copy);
	return rc;
}

/* A new file: ERR_EXISTS. Nothing is left of it when it cannot be written. */
static int keys_write(const char *path, struct span pem, struct trouble *t)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int rc;

	if (fd < 0 && errno == EEXIST)
		return trouble_set(t, ERR_EXISTS, "%s exists; it is not overwritten", path);
	if (fd < 0)
		return trouble_errno(t, "cannot make %s", path);
	rc = io_write_full(fd, pem.data, pem.size);
	if (!rc && fsync(fd))
		rc = ERR_IO;
	if (rc) {
		trouble_set(t, rc, "cannot write the key %s: %s", path, error_text(rc));
		unlink(path);
	}
	close(fd);
	return rc;
}

int keys_make(const char *path, struct private_key **out, struct trouble *t)
{
	struct private_key *key = NULL;
	struct bytes pem = {0};
	int rc = keys_make_parent(path, t);

	if (rc)
		return rc;
	if ((rc = private_key_generate(&key)) || (rc = private_key_encode(key, &pem)))
		trouble_set(t, rc, "cannot make a key");
	else
		rc = keys_write(path, span_of_bytes(&pem), t);
	if (pem.data)
		explicit_bzero(pem.data, pem.size);
	bytes_release(&pem);
	if (rc)
		private_key_free(key);
	else
		*out = key;
	return rc;
}

int keys_each(int (*each)(void *ctx, const char *name, const char *path), void *ctx,
	struct trouble *t)
{
	char *dir = keys_directory(t);
	DIR *d = dir ? opendir(dir) : NULL;
	struct dirent *e;
	int rc = dir ? 0 : ERR_NO_MEMORY;

	while (d && !rc && (e = readdir(d))) {
		size_t n = strlen(e->d_name);
		char name[256], *path;

		if (e->d_name[0] == '.' || n <= strlen(SUFFIX) ||
			strcmp(e->d_name + n - strlen(SUFFIX), SUFFIX) != 0)
			continue;
		snprintf(name, sizeof name, "%.*s", (int)(n - strlen(SUFFIX)), e->d_name);
		path = keys_path(name, t);
		rc = path ? each(ctx, name, path) : ERR_NO_MEMORY;
		free(path);
	}
	if (d)
		closedir(d);
	free(dir);
	return rc;
}
