/* SPDX-License-Identifier: MIT */
/*
 * The files of certificates that the embedded server shows its clients: made when they
 * are missing, made anew when they are of no more use. Any thread, any process: a lock on
 * the directory lets one at a time.
 */
#ifndef CAIRN_NET_SERVE_CERTIFICATE_H
#define CAIRN_NET_SERVE_CERTIFICATE_H

#include <stdbool.h>

#include "util/error.h"

/* Makes (unless there) a CA, and a certificate of it for localhost, the machine's names,
 * 127.0.0.1, ::1 and `host` (a wildcard: the machine's addresses), ECDSA P-256, valid 10
 * years and 825 days, key files (ca-key.pem, key.pem) 0600. One that expires soon, was
 * made by another CA or lacks `host` is made anew with the CA kept. A directory with
 * cert.pem and key.pem but no ca-key.pem holds somebody's own: left as it is. */
int serve_certificate_make(const char *tls_dir, const char *host, struct trouble *t);

/* Has cert.pem, which may be somebody's own, come to its end, or will soon? Then with a
 * sentence. */
bool serve_certificate_ends(const char *tls_dir, struct trouble *t);

#endif
