/* SPDX-License-Identifier: MIT */
/*
 * What can go wrong, as one enumeration for the whole program.
 *
 * A function that can fail returns 0 or one of these (negative) codes; outputs
 * are untouched on failure. Only fs/ turns a code into an errno for the kernel,
 * only cli/ prints a sentence. A function whose failure needs more words than
 * its code takes a `struct trouble *` (may be NULL) and fills it with what
 * happened, to what, and what to do. Any layer may use this; no threads, no state.
 */
#ifndef CAIRN_UTIL_ERROR_H
#define CAIRN_UTIL_ERROR_H

enum error {
	ERR_CORRUPT = -1,     /* bytes break the format, their length or their digest */
	ERR_ABSENT = -2,      /* it does not exist: no such path, 404, not in the cache */
	ERR_PENDING = -3,     /* not here yet: on its way, or worth asking for */
	ERR_UNREACHABLE = -4, /* no server answered: DNS, connect, TLS, proxy, 5xx */
	ERR_TIMEOUT = -5,     /* the deadline passed */
	ERR_DENIED = -6,      /* the server (401, 403) or the system refused permission */
	ERR_NO_SPACE = -7,    /* disk or quota is full */
	ERR_NO_MEMORY = -8,   /* allocation failed, or the memory budget is spent */
	ERR_UNSUPPORTED = -9, /* a newer format or a feature that this program lacks */
	ERR_UNTRUSTED = -10, /* signature missing, broken, or by a key that is not pinned */
	ERR_ROLLBACK = -11,  /* an older revision than was seen before */
	ERR_EXPIRED = -12,   /* the manifest's expiry has passed */
	ERR_IO = -13,	     /* a local system call failed otherwise */
	ERR_INTERRUPTED = -14, /* the waiting party went away */
	ERR_LIMIT = -15,       /* a number or length over a named cap */
	ERR_INVALID = -16,     /* the caller's (user's) argument makes no sense */
	ERR_BUSY = -17,	       /* locked by, or in use of, somebody else */
	ERR_CHANGED = -18,     /* an input changed while it was read */
	ERR_EXISTS = -19,      /* it is there already */
	ERR_NO_FILES = -20,    /* no file descriptor is left, to us or to the system */
	ERR_NO_THREADS = -21,  /* no thread is left, or no memory for its stack */
	ERR_FILE_SIZE = -22,   /* longer than a file may be: ulimit -f, the file system */
	ERR_LEAST = ERR_FILE_SIZE
};

#define TROUBLE_MAX 1024

/* The words that belong to an error. `text` is one sentence without a full stop. */
struct trouble {
	int code;
	char text[TROUBLE_MAX];
};

/* A few words for `code`, for logs: "corrupt", "absent", ... Never NULL. */
const char *error_text(int code);

/* The code nearest to a system errno (ENOSPC, EDQUOT -> ERR_NO_SPACE, ENOENT ->
 * ERR_ABSENT, EACCES, EPERM, EROFS -> ERR_DENIED, EMFILE, ENFILE -> ERR_NO_FILES, ...;
 * anything else ERR_IO). EAGAIN is a lock's: thread_start() knows that of threads. */
int error_from_errno(int errnum);

/* Fills `t` (ignored when NULL) and returns `code`, so that a failing function ends
 * with `return trouble_set(t, ERR_CORRUPT, "page %s: ...", ...)`. */
int trouble_set(struct trouble *t, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* As trouble_set with error_from_errno(errno) and ": <strerror>" appended. */
int trouble_errno(struct trouble *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
