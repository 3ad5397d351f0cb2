/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "cache/objects/user.h"
#include "util/error.h"

#define USER_TRIES 16
#define USER_NAME_SIZE 9
#define USER_FLAGS (O_RDWR | O_CLOEXEC | O_NOFOLLOW)

static void user_name(uint32_t user, char name[USER_NAME_SIZE])
{
	snprintf(name, USER_NAME_SIZE, "%08x", user);
}

/* Returns its descriptor, or -1. */
static int user_make(int users_fd, uint32_t *user)
{
	char name[USER_NAME_SIZE];
	int fd = -1;

	for (unsigned i = 0; fd < 0 && i < USER_TRIES; i++) {
		if (getentropy(user, sizeof *user) || *user == 0)
			continue;
		user_name(*user, name);
		fd = openat(users_fd, name, USER_FLAGS | O_CREAT | O_EXCL, 0600);
	}
	return fd;
}

int user_join(int users_fd, uint32_t *user, int *fd)
{
	uint32_t number = 0;
	int made = user_make(users_fd, &number), errnum;

	if (made < 0)
		return error_from_errno(errno);
	if (flock(made, LOCK_EX | LOCK_NB)) {
		errnum = errno;
		user_leave(users_fd, number, made);
		errno = errnum;
		return error_from_errno(errnum);
	}
	*user = number;
	*fd = made;
	return 0;
}

void user_leave(int users_fd, uint32_t user, int fd)
{
	char name[USER_NAME_SIZE];

	user_name(user, name);
	unlinkat(users_fd, name, 0);
	close(fd);
}

bool user_lives(int users_fd, uint32_t user)
{
	char name[USER_NAME_SIZE];
	bool lives;
	int fd;

	user_name(user, name);
	fd = openat(users_fd, name, USER_FLAGS);
	if (fd < 0)
		return errno != ENOENT;
	lives = flock(fd, LOCK_EX | LOCK_NB) != 0;
	if (!lives)
		unlinkat(users_fd, name, 0);
	close(fd);
	return lives;
}
