/* SPDX-License-Identifier: MIT */
/*
 * Two databases take turns, "0" and "1"; the one named by "current" in the main database
 * belongs to the last publish that was finished, the other to the one under way (or to
 * one that was killed, whose records are as good).
 */
#include <config.h>

#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "publish/attributes.h"
#include "publish/index.h"
#include "util/clock.h"
#include "util/io.h"
#include "util/structure.h"

#define MAP_SIZE_FIRST ((size_t)64 << 20)
#define MAP_SIZE_MAX ((size_t)1 << 40)
/* Writes between two commits: what a killed publisher may have to read again. */
#define COMMIT_EVERY 4096
#define CHECK_SIZE 8 /* bytes of its digest before each record */
#define DIRECTORY_MODE 0700
#define FILE_MODE 0600
#define PATH_HEX 32 /* digits of the name */

struct index {
	MDB_env *env;
	MDB_txn *txn; /* NULL after a failure: then nothing is found or kept */
	MDB_dbi main, old, new;
	bool current; /* the number of `old` */
	unsigned writes;
	struct bytes value;
};

static int from_lmdb(int rc)
{
	if (rc == 0)
		return 0;
	if (rc == MDB_NOTFOUND)
		return ERR_ABSENT;
	return rc > 0 ? error_from_errno(rc) : ERR_CORRUPT;
}

static MDB_val value_of(const void *data, size_t size)
{
	return (MDB_val){.mv_size = size, .mv_data = (void *)(uintptr_t)data};
}

/* Ends the transaction and, unless that failed, begins the next. */
static int restart(struct index *x)
{
	int rc = mdb_txn_commit(x->txn);

	x->txn = NULL;
	x->writes = 0;
	if (!rc)
		rc = mdb_txn_begin(x->env, NULL, 0, &x->txn);
	return from_lmdb(rc);
}

static int index_open_databases(struct index *x)
{
	MDB_val key = value_of("current", 7), value;
	int rc = mdb_txn_begin(x->env, NULL, 0, &x->txn);

	if (!rc)
		rc = mdb_dbi_open(x->txn, NULL, 0, &x->main);
	if (rc)
		return from_lmdb(rc);
	x->current = !mdb_get(x->txn, x->main, &key, &value) && value.mv_size == 1 &&
		     *(const char *)value.mv_data == '1';
	rc = mdb_dbi_open(x->txn, x->current ? "1" : "0", MDB_CREATE, &x->old);
	if (!rc)
		rc = mdb_dbi_open(x->txn, x->current ? "0" : "1", MDB_CREATE, &x->new);
	/* What is opened in a transaction is closed with it when that is aborted. */
	return rc ? from_lmdb(rc) : restart(x);
}

/* Appends the file's path, with its NUL. The name follows from both paths; the NUL between
 * them keeps them apart. */
static int append_path(
	struct bytes *path, const char *directory, const char *store, const char *source)
{
	struct bytes names = {0};
	char hex[DIGEST_HEX_SIZE];
	struct digest d;
	int rc = bytes_append(&names, store, strlen(store) + 1);

	if (!rc)
		rc = bytes_append_string(&names, source);
	if (rc)
		goto out;
	d = digest_of(names.data, names.size);
	digest_to_hex(&d, hex);
	hex[PATH_HEX] = '\0';
	rc = bytes_append_string(path, directory);
	if (!rc)
		rc = bytes_append_string(path, "/");
	if (!rc)
		rc = bytes_append(path, hex, PATH_HEX + 1);
out:
	bytes_release(&names);
	return rc;
}

static int index_open_environment(struct index *x, const char *path)
{
	int rc = mdb_env_create(&x->env);

	if (!rc)
		rc = mdb_env_set_mapsize(x->env, MAP_SIZE_FIRST);
	if (!rc)
		rc = mdb_env_set_maxdbs(x->env, 2);
	if (!rc)
		rc = mdb_env_open(x->env, path, MDB_NOSUBDIR, FILE_MODE);
	return from_lmdb(rc);
}

static void index_remove(const char *path)
{
	char *lock;

	unlink(path);
	if (asprintf(&lock, "%s-lock", path) < 0)
		return;
	unlink(lock);
	free(lock);
}

/* LMDB believes what it finds; the store's lock has kept others out. */
static int check_structure(const char *path, struct log *log)
{
	struct structure found;
	int rc = structure_check_file(path, &found);

	if (rc != ERR_CORRUPT)
		return rc == ERR_NO_MEMORY ? rc : 0; /* LMDB tells the rest itself */
	index_remove(path);
	log_warning(log,
		"the index of unchanged files %s is damaged: it is begun anew, and all "
		"files are read",
		path);
	return 0;
}

int index_open(const char *directory, const char *store, const char *source,
	struct log *log, struct index **out, struct trouble *t)
{
	struct index *x = calloc(1, sizeof *x);
	struct bytes path = {0};
	int rc = ERR_NO_MEMORY;

	if (!x)
		goto out;
	rc = io_make_directories(directory, DIRECTORY_MODE);
	if (rc)
		goto out;
	rc = append_path(&path, directory, store, source);
	if (rc)
		goto out;
	rc = check_structure((const char *)path.data, log);
	if (!rc)
		rc = index_open_environment(x, (const char *)path.data);
	if (!rc)
		rc = index_open_databases(x);
out:
	bytes_release(&path);
	if (!rc) {
		*out = x;
		return 0;
	}
	index_close(x);
	return trouble_set(t, rc, "cannot use the index of unchanged files in %s: %s",
		directory, error_text(rc));
}

void index_close(struct index *x)
{
	if (!x)
		return;
	if (x->txn)
		mdb_txn_commit(x->txn);
	if (x->env)
		mdb_env_close(x->env);
	bytes_release(&x->value);
	free(x);
}

int index_fingerprint(struct bytes *text, const char *path, const struct stat *st)
{
	struct {
		uint64_t dev, ino, size;
		int64_t mtime, ctime;
	} part = {(uint64_t)st->st_dev, (uint64_t)st->st_ino, (uint64_t)st->st_size,
		attributes_mtime(st), attributes_ctime(st)};
	int rc = bytes_append(text, path, strlen(path) + 1);

	return rc ? rc : bytes_append(text, &part, sizeof part);
}

bool index_is_stable(const struct stat *st, int64_t now)
{
	return attributes_mtime(st) < now - INDEX_STABLE_NS &&
	       attributes_ctime(st) < now - INDEX_STABLE_NS;
}

/* The map is full: what this transaction did is lost, which costs some reading later. */
static int index_grow(struct index *x)
{
	MDB_envinfo info;
	int rc;

	mdb_txn_abort(x->txn);
	x->txn = NULL;
	x->writes = 0;
	mdb_env_info(x->env, &info);
	if (info.me_mapsize >= MAP_SIZE_MAX)
		return ERR_LIMIT;
	rc = mdb_env_set_mapsize(x->env, info.me_mapsize * 2);
	if (!rc)
		rc = mdb_txn_begin(x->env, NULL, 0, &x->txn);
	return from_lmdb(rc);
}

static int index_put_in(struct index *x, MDB_dbi dbi, MDB_val key, MDB_val value)
{
	int rc = x->txn ? mdb_put(x->txn, dbi, &key, &value, 0) : MDB_BAD_TXN;

	if (rc == MDB_MAP_FULL) {
		rc = index_grow(x);
		if (rc)
			return rc;
		rc = mdb_put(x->txn, dbi, &key, &value, 0);
	}
	if (rc)
		return from_lmdb(rc);
	return ++x->writes >= COMMIT_EVERY ? restart(x) : 0;
}

int index_put(struct index *x, const struct digest *fingerprint, struct span record)
{
	struct digest check = digest_of(record.data, record.size);
	int rc;

	bytes_clear(&x->value);
	rc = bytes_append(&x->value, check.bytes, CHECK_SIZE);
	if (!rc)
		rc = bytes_append(&x->value, record.data, record.size);
	if (rc)
		return rc;
	return index_put_in(x, x->new, value_of(fingerprint->bytes, DIGEST_SIZE),
		value_of(x->value.data, x->value.size));
}

static int index_get_from(
	struct index *x, MDB_dbi dbi, const struct digest *fingerprint, struct bytes *out)
{
	MDB_val key = value_of(fingerprint->bytes, DIGEST_SIZE), value;
	const uint8_t *data;
	struct digest check;
	int rc = x->txn ? mdb_get(x->txn, dbi, &key, &value) : MDB_NOTFOUND;

	if (rc)
		return from_lmdb(rc);
	if (value.mv_size < CHECK_SIZE)
		return ERR_ABSENT;
	data = value.mv_data;
	check = digest_of(data + CHECK_SIZE, value.mv_size - CHECK_SIZE);
	if (memcmp(check.bytes, data, CHECK_SIZE) != 0)
		return ERR_ABSENT;
	return bytes_append(out, data + CHECK_SIZE, value.mv_size - CHECK_SIZE);
}

int index_get(struct index *x, const struct digest *fingerprint, struct bytes *out)
{
	size_t start = out->size;
	int rc = index_get_from(x, x->new, fingerprint, out);

	if (rc != ERR_ABSENT)
		return rc;
	rc = index_get_from(x, x->old, fingerprint, out);
	if (!rc)
		index_put(x, fingerprint, span_of_part(out, start, out->size - start));
	return rc;
}

int index_commit(struct index *x)
{
	MDB_val key = value_of("current", 7), value = value_of(x->current ? "0" : "1", 1);
	int rc = x->txn ? from_lmdb(mdb_drop(x->txn, x->old, 0)) : ERR_IO;

	if (!rc)
		rc = index_put_in(x, x->main, key, value);
	if (!rc)
		rc = restart(x);
	return rc;
}
