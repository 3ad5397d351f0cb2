/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#include <openssl/err.h>

#include "net/certificate.h"
#include "net/certificate_names.h"
#include "net/serve_certificate.h"
#include "util/clock.h"
#include "util/file_lock.h"
#include "util/io.h"

#define ENDS_SOON 14		       /* days */
#define LOCK_WAIT (10 * NS_PER_SECOND) /* for one that makes its own, which is quick */

static bool file_exists(int dir, const char *name)
{
	return faccessat(dir, name, F_OK, 0) == 0;
}

static int make_anew(int dir, const char *what, bool made, const char *cert,
	const char *key, const struct certificate *c, struct trouble *t)
{
	int rc = made ? certificate_write(dir, cert, key, c) : ERR_IO;

	if (rc)
		trouble_set(t, rc, "%s could not be made: %s", what,
			made ? error_text(rc) : "OpenSSL failed");
	return rc;
}

/* A new CA shuts out all readers that have the old one's ca.pem. So it is made when there
 * is none, or none that is valid; never over one that cannot be used for another reason. */
static int ensure_ca(int dir, struct certificate *ca, struct trouble *t)
{
	int rc = certificate_read(dir, "ca.pem", "ca-key.pem", ca);

	if (!rc && certificate_is_current(ca))
		return 0;
	certificate_release(ca);
	if (rc == ERR_ABSENT && file_exists(dir, "ca.pem"))
		return trouble_set(t, rc,
			"there is a ca.pem, but no ca-key.pem beside it, and no "
			"certificate; "
			"put the key back, or remove ca.pem to have a new CA made, whose "
			"ca.pem all readers need");
	if (rc && rc != ERR_ABSENT)
		return trouble_set(t, rc,
			"ca.pem and ca-key.pem cannot be used: %s; mend them, or remove "
			"both "
			"to have a new CA made, whose ca.pem all readers need",
			rc == ERR_CORRUPT ? "they are no certificate and its key"
					  : error_text(rc));
	return make_anew(
		dir, "the CA", certificate_make_ca(ca), "ca.pem", "ca-key.pem", ca, t);
}

static bool make_leaf(
	const struct certificate *ca, const char *host, struct certificate *out)
{
	GENERAL_NAMES *names = certificate_names_collect(host);
	bool made = names && certificate_make_leaf(ca, names, out);

	GENERAL_NAMES_free(names);
	return made;
}

static int ensure_leaf(
	int dir, const char *host, const struct certificate *ca, struct trouble *t)
{
	struct certificate leaf = {0};
	int rc;

	/* Somebody put a certificate of another CA here. */
	if (certificate_is_foreign(dir, "cert.pem", ca))
		return 0;
	rc = certificate_read(dir, "cert.pem", "key.pem", &leaf);
	if (!rc && certificate_is_current(&leaf) && certificate_is_of(&leaf, ca) &&
		certificate_names_cover(leaf.cert, host))
		goto out;
	certificate_release(&leaf);
	rc = make_anew(dir, "the server's certificate", make_leaf(ca, host, &leaf),
		"cert.pem", "key.pem", &leaf, t);
out:
	certificate_release(&leaf);
	return rc;
}

/* With the directory locked. */
static int ensure_all(int dir, const char *host, struct trouble *t)
{
	struct certificate ca = {0};
	int rc;

	/* Somebody's own certificate: it is used as it is. */
	if (file_exists(dir, "cert.pem") && file_exists(dir, "key.pem") &&
		!file_exists(dir, "ca-key.pem"))
		return 0;
	rc = ensure_ca(dir, &ca, t);
	if (!rc)
		rc = ensure_leaf(dir, host, &ca, t);
	certificate_release(&ca);
	/* The queue of errors is per thread and shared with libcurl: leave none. */
	ERR_clear_error();
	return rc;
}

/* Two servers that start at once would mix their keys and certificates. */
static int ensure_alone(int dir, const char *tls_dir, const char *host, struct trouble *t)
{
	char blame[FILE_LOCK_BLAME_SIZE];
	int rc = file_lock_take(dir, FILE_LOCK_ALONE, clock_monotonic() + LOCK_WAIT);

	if (rc == ERR_TIMEOUT) {
		file_lock_blame(tls_dir, blame);
		trouble_set(t, rc,
			"the directory %s is locked by %s: cairn serve makes its "
			"certificate there when nobody else does",
			tls_dir, blame);
	} else {
		bool locked = !rc; /* there are file systems without locks */

		rc = ensure_all(dir, host, t);
		if (locked)
			file_lock_give(dir);
	}
	return rc;
}

int serve_certificate_make(const char *tls_dir, const char *host, struct trouble *t)
{
	int rc = io_make_directories(tls_dir, 0700), dir;

	if (rc)
		return trouble_errno(t, "cannot make the directory %s", tls_dir);
	dir = open(tls_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return trouble_errno(t, "the directory %s cannot be opened", tls_dir);
	rc = ensure_alone(dir, tls_dir, host, t);
	close(dir);
	return rc;
}

bool serve_certificate_ends(const char *tls_dir, struct trouble *t)
{
	int dir = open(tls_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), days = ENDS_SOON;

	if (dir < 0)
		return false;
	certificate_days_left(dir, "cert.pem", &days);
	close(dir);
	ERR_clear_error();
	if (days >= ENDS_SOON)
		return false;
	if (days < 0)
		trouble_set(t, ERR_EXPIRED,
			"the certificate %s/cert.pem has expired, and readers refuse it: "
			"put another one in its place",
			tls_dir);
	else
		trouble_set(t, ERR_EXPIRED,
			"the certificate %s/cert.pem ends in less than %d days: put "
			"another one in "
			"its place before, and start cairn serve again",
			tls_dir, days + 1);
	return true;
}
