/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/parallel.h"

#include <stddef.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fs/filesystem.h"

#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 17)

bool parallel_ensure(struct fuse_session *fuse)
{
	(void)fuse;
	return true;
}

#elif defined(HAVE_FUSE_CUSTOM_IO)

#include <linux/fuse.h>

/* The kernel asks nothing else before INIT is answered: so this is the first answer. */
static void add_flag(const struct iovec *answer, int parts)
{
	struct fuse_init_out *init = answer[parts - 1].iov_base;

	if (parts == 2 && answer[1].iov_len > offsetof(struct fuse_init_out, flags))
		init->flags |= FUSE_PARALLEL_DIROPS;
}

static ssize_t send_introduced(int fd, struct iovec *answer, int parts, void *userdata)
{
	struct filesystem *fs = userdata;

	if (!atomic_load_explicit(&fs->introduced, memory_order_relaxed)) {
		atomic_store_explicit(&fs->introduced, true, memory_order_relaxed);
		add_flag(answer, parts);
	}
	return writev(fd, answer, parts);
}

static ssize_t receive_plainly(int fd, void *buffer, size_t size, void *userdata)
{
	(void)userdata;
	return read(fd, buffer, size);
}

bool parallel_ensure(struct fuse_session *fuse)
{
	const struct fuse_custom_io io = {
		.writev = send_introduced, .read = receive_plainly};

	return fuse_session_custom_io(fuse, &io, fuse_session_fd(fuse)) == 0;
}

#else

bool parallel_ensure(struct fuse_session *fuse)
{
	(void)fuse;
	return false;
}

#endif
