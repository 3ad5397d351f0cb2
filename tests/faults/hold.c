/* SPDX-License-Identifier: MIT */
/*
 * hold WHAT FILE: takes a lock that cairn uses, prints a line, and keeps it until it is
 * killed: a process that was stopped at the worst moment.
 *
 *   flock    FILE itself, alone (flock(2))
 *   writer   LMDB's lock of who writes to the environment in the directory FILE
 *   reader   LMDB's lock of its table of readers, which is held for an instant as a rule
 *   opening  LMDB's lock of who opens the environment first
 */
#include <config.h>

#include <fcntl.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

/* LMDB's table of readers begins with eight bytes, and the lock behind them. */
#define READER_LOCK_AT 8

static MDB_env *open_books(const char *path)
{
	MDB_env *env;

	if (mdb_env_create(&env) || mdb_env_set_maxdbs(env, 1) ||
		mdb_env_set_mapsize(env, (size_t)1 << 30) ||
		mdb_env_open(env, path, MDB_NOMETASYNC | MDB_NOTLS, 0600))
		return NULL;
	return env;
}

static int hold_flock(const char *path)
{
	int fd = open(path, O_RDONLY);

	return fd < 0 || flock(fd, LOCK_EX);
}

static int hold_writer(const char *path)
{
	MDB_env *env = open_books(path);
	MDB_txn *txn;

	return !env || mdb_txn_begin(env, NULL, 0, &txn);
}

static int open_lock_file(const char *path)
{
	char name[4096];

	snprintf(name, sizeof name, "%s/lock.mdb", path);
	return open(name, O_RDWR);
}

static int hold_reader(const char *path)
{
	MDB_env *env = open_books(path);
	int fd = open_lock_file(path);
	char *map;

	if (!env || fd < 0)
		return 1;
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return map == MAP_FAILED ||
	       pthread_mutex_lock((pthread_mutex_t *)(void *)(map + READER_LOCK_AT));
}

static int hold_opening(const char *path)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
	int fd = open_lock_file(path);

	return fd < 0 || fcntl(fd, F_SETLK, &lock);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *what;
		int (*hold)(const char *path);
	} kinds[] = {{"flock", hold_flock}, {"writer", hold_writer},
		{"reader", hold_reader}, {"opening", hold_opening}};

	for (size_t i = 0; argc == 3 && i < sizeof kinds / sizeof kinds[0]; i++) {
		if (strcmp(argv[1], kinds[i].what) != 0)
			continue;
		if (kinds[i].hold(argv[2]))
			return EXIT_FAILURE;
		puts("held");
		fflush(stdout);
		for (;;)
			pause();
	}
	fprintf(stderr, "usage: hold flock|writer|reader|opening FILE\n");
	return 2;
}
