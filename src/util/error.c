/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "util/error.h"
#include "util/printable.h"

const char *error_text(int code)
{
	static const char *const texts[] = {
		[0] = "success",
		[-ERR_CORRUPT] = "corrupt",
		[-ERR_ABSENT] = "absent",
		[-ERR_PENDING] = "pending",
		[-ERR_UNREACHABLE] = "unreachable",
		[-ERR_TIMEOUT] = "timed out",
		[-ERR_DENIED] = "permission denied",
		[-ERR_NO_SPACE] = "no space left",
		[-ERR_NO_MEMORY] = "out of memory",
		[-ERR_UNSUPPORTED] = "not supported",
		[-ERR_UNTRUSTED] = "not trusted",
		[-ERR_ROLLBACK] = "older than what was seen before",
		[-ERR_EXPIRED] = "expired",
		[-ERR_IO] = "input/output error",
		[-ERR_INTERRUPTED] = "interrupted",
		[-ERR_LIMIT] = "over a limit",
		[-ERR_INVALID] = "invalid argument",
		[-ERR_BUSY] = "busy",
		[-ERR_CHANGED] = "changed while it was read",
		[-ERR_EXISTS] = "exists already",
		[-ERR_NO_FILES] = "too many open files (ulimit -n)",
		[-ERR_FILE_SIZE] = "file too large (ulimit -f)",
		[-ERR_NO_THREADS] = "too many threads, or no memory for one (ulimit -u)",
	};
	const int count = (int)(sizeof texts / sizeof texts[0]);

	if (code > 0 || code <= -count)
		return "unknown error";
	return texts[-code];
}

int error_from_errno(int errnum)
{
	static const struct {
		int errnum;
		enum error code;
	} map[] = {
		{ENOENT, ERR_ABSENT},
		{ENOTDIR, ERR_ABSENT},
		{EACCES, ERR_DENIED},
		{EPERM, ERR_DENIED},
		{EROFS, ERR_DENIED},
		{ENOSPC, ERR_NO_SPACE},
		{EDQUOT, ERR_NO_SPACE},
		{ENOMEM, ERR_NO_MEMORY},
		{ENOBUFS, ERR_NO_MEMORY},
		{EMFILE, ERR_NO_FILES},
		{ENFILE, ERR_NO_FILES},
		{EEXIST, ERR_EXISTS},
		{ENOTEMPTY, ERR_EXISTS},
		{EBUSY, ERR_BUSY},
		{ETXTBSY, ERR_BUSY},
		{EAGAIN, ERR_BUSY},
		{EADDRINUSE, ERR_BUSY},
		{EINTR, ERR_INTERRUPTED},
		{ETIMEDOUT, ERR_TIMEOUT},
		{ENETUNREACH, ERR_UNREACHABLE},
		{ENETDOWN, ERR_UNREACHABLE},
		{EHOSTUNREACH, ERR_UNREACHABLE},
		{ECONNREFUSED, ERR_UNREACHABLE},
		{ECONNRESET, ERR_UNREACHABLE},
		{ENAMETOOLONG, ERR_LIMIT},
		{EFBIG, ERR_FILE_SIZE},
		{EOVERFLOW, ERR_LIMIT},
		{ENOSYS, ERR_UNSUPPORTED},
		{EOPNOTSUPP, ERR_UNSUPPORTED},
	};

	for (size_t i = 0; i < sizeof map / sizeof map[0]; i++)
		if (map[i].errnum == errnum)
			return map[i].code;
	return ERR_IO;
}

/* Names and server texts end up in the sentence: none may steer a terminal or break a
 * line. `text` may stand among the arguments it was made from, hence the copy. */
static void put_sentence(struct trouble *t, int code, const char *text)
{
	snprintf(t->text, sizeof t->text, "%s", text);
	printable_clean(t->text);
	t->code = code;
}

int trouble_set(struct trouble *t, int code, const char *fmt, ...)
{
	char text[TROUBLE_MAX];
	va_list args;

	if (!t)
		return code;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	put_sentence(t, code, text);
	return code;
}

int trouble_errno(struct trouble *t, const char *fmt, ...)
{
	int errnum = errno;
	char what[TROUBLE_MAX];
	va_list args;

	if (!t)
		return error_from_errno(errnum);
	va_start(args, fmt);
	vsnprintf(what, sizeof what, fmt, args);
	va_end(args);
	/* strerror: thread-safe for known numbers on every libc that we build with. */
	return trouble_set(t, error_from_errno(errnum), "%.*s: %s", TROUBLE_MAX - 128, what,
		strerror(errnum));
}
