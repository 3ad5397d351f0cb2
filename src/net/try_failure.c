/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <openssl/x509.h>

#include "net/scarcity.h"
#include "net/status_words.h"
#include "net/try_failure.h"

#define OWN_CA "; when it is signed by a CA of your own, give that CA's file with --cacert"
#define GIVEN_CA ": the file given with --cacert does not hold the CA that signed it"

static const char *failure_words(const struct failed_transfer *t)
{
	/* libcurl keeps the first ones: of a connection that had already been closed when
	 * it asked for its address, these say nothing. */
	bool good = t->words[0] && strncmp(t->words, "getpeername()", 13);

	return good ? t->words : curl_easy_strerror(t->code);
}

static bool is_untrusted(CURLcode code)
{
	switch (code) {
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CRL_BADFILE:
		return true;
	default:
		return false;
	}
}

static int explain_untrusted(const struct failed_transfer *t, struct trouble *trouble)
{
	const char *words = failure_words(t);
	long verified = X509_V_OK;

	curl_easy_getinfo(t->easy, CURLINFO_SSL_VERIFYRESULT, &verified);
	if (t->code == CURLE_SSL_CACERT_BADFILE)
		return trouble_set(trouble, ERR_UNTRUSTED,
			"the file given with --cacert holds no certificates: %s", words);
	if (verified == X509_V_ERR_CERT_HAS_EXPIRED)
		return trouble_set(trouble, ERR_UNTRUSTED,
			"the server's certificate has expired: its owner has to renew it "
			"(or "
			"this machine's clock is wrong)");
	if (verified == X509_V_ERR_CERT_NOT_YET_VALID)
		return trouble_set(trouble, ERR_UNTRUSTED,
			"the server's certificate is not valid yet: is this machine's "
			"clock "
			"right?");
	/* libcurl compares the name itself, and has only words for it. */
	if (t->code == CURLE_PEER_FAILED_VERIFICATION && strstr(words, "subject name"))
		return trouble_set(trouble, ERR_UNTRUSTED,
			"the server's certificate is for another host: %s", words);
	return trouble_set(trouble, ERR_UNTRUSTED,
		"the server's certificate is not trusted: %s%s", words,
		t->own_ca ? GIVEN_CA : OWN_CA);
}

/* Is "HOST port N ..." (HOST of `size` bytes) the one that the URL goes on with? */
static bool names_same(const char *url, const char *named, size_t size)
{
	unsigned port = 0, asked = 0;

	if (*url == '[') /* an address of IPv6 */
		url++;
	if (strncasecmp(url, named, size))
		return false;
	url += size;
	if (*url == ']')
		url++;
	/* Without a port in the URL it is the scheme's own, which a proxy's seldom is. */
	if (sscanf(named + size, " port %u", &port) != 1 || sscanf(url, ":%u", &asked) != 1)
		return true;
	return port == asked;
}

/* libcurl names the host that it could not connect to: when that is not the one that was
 * asked, it is the proxy's. */
static bool is_of_proxy(const struct failed_transfer *t)
{
	static const char begin[] = "Failed to connect to ";
	const char *named, *host;
	size_t size;

	if (t->code == CURLE_COULDNT_RESOLVE_PROXY || t->code == CURLE_PROXY)
		return true;
	if (strncmp(t->words, begin, sizeof begin - 1))
		return false;
	if (strstr(t->words, " via "))
		return true;
	named = t->words + sizeof begin - 1;
	size = strcspn(named, " ");
	host = strstr(t->url, "://");
	return host && !names_same(host + 3, named, size);
}

/* libcurl shows all of such a URL, with its password. */
static bool is_bad_proxy(const struct failed_transfer *t)
{
	return strstr(t->words, "Unsupported proxy");
}

/* What a proxy answered to CONNECT (RFC 9110, 9.3.6); false: it has not refused. */
static bool explain_tunnel(const struct failed_transfer *t, struct trouble *trouble)
{
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_HTTP_CONNECTCODE, &status);
	if (status < 300)
		return false;
	if (status == 407)
		trouble_set(trouble, ERR_DENIED, STATUS_PROXY_WANTS_PASSWORD);
	else if (status < 500)
		trouble_set(trouble, ERR_DENIED,
			"the proxy does not let anybody connect to that host and port "
			"(%ld)",
			status);
	else
		trouble_set(trouble, ERR_UNREACHABLE,
			"the proxy cannot connect to that host (%ld)", status);
	return true;
}

/* TLS alerts of servers that want a client certificate, or another one (RFC 8446, 6.2): a
 * server has no other certificate to complain of. */
static bool wants_certificate(const struct failed_transfer *t)
{
	static const char *const alerts[] = {"certificate required", "bad certificate",
		"unknown ca", "certificate expired", "certificate revoked",
		"certificate unknown", "unsupported certificate", "access denied"};
	const char *alert = strstr(t->words, "alert ");

	for (size_t i = 0; alert && i < sizeof alerts / sizeof *alerts; i++)
		if (strstr(alert, alerts[i]))
			return true;
	return false;
}

static bool is_permanent(CURLcode code, int *error)
{
	switch (code) {
	case CURLE_UNSUPPORTED_PROTOCOL:
		*error = ERR_UNREACHABLE;
		return true;
	case CURLE_URL_MALFORMAT:
		*error = ERR_INVALID;
		return true;
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_LOGIN_DENIED:
		*error = ERR_DENIED;
		return true;
	case CURLE_NOT_BUILT_IN:
	case CURLE_SSL_ENGINE_NOTFOUND:
	case CURLE_SSL_CIPHER:
		*error = ERR_UNSUPPORTED;
		return true;
	default:
		return false;
	}
}

/* Or it may have been something else. */
static bool may_want_certificate(const struct failed_transfer *t)
{
	return !t->certified && !strncmp(t->url, "https:", 6) &&
	       (strstr(t->words, "handshake failure") ||
		       !strncmp(t->words, "getpeername()", 13));
}

/* Over HTTP/2 libcurl gives its library's name for having failed itself: a head over its
 * limit. It ends the connection, and with it others that have no part in it. */
static bool is_head_of_stream(const struct failed_transfer *t)
{
	return t->received == 0 && strstr(t->words, "user callback function failed");
}

/* That may be over the next time. */
static void explain_passing(const struct failed_transfer *t, struct trouble *trouble)
{
	const char *words = failure_words(t);

	if (is_of_proxy(t))
		trouble_set(
			trouble, ERR_UNREACHABLE, "the proxy cannot be reached: %s", words);
	else if (t->code == CURLE_OUT_OF_MEMORY && t->connected)
		/* That is what libcurl says of a head over its limit, too. */
		trouble_set(trouble, ERR_LIMIT,
			"out of memory, or the head of the answer is too long");
	else if (t->code == CURLE_OUT_OF_MEMORY)
		trouble_set(trouble, ERR_NO_MEMORY, "%s", words);
	else if (strstr(t->words, "wrong version number") ||
		 strstr(t->words, "packet length too long"))
		trouble_set(trouble, ERR_UNREACHABLE,
			"there is no TLS on that port (is it http:// there?): %s", words);
	else if (may_want_certificate(t))
		trouble_set(trouble, ERR_UNREACHABLE,
			"%s; a server that wants a client certificate (--cert) may say it "
			"so",
			words);
	else if (is_head_of_stream(t))
		trouble_set(trouble, ERR_UNREACHABLE,
			"the header of an answer on that connection is longer than any web "
			"server's");
	else if (t->received > 0 || t->code == CURLE_PARTIAL_FILE)
		trouble_set(trouble, ERR_TIMEOUT,
			"the answer broke off after %zu bytes: %s", t->received, words);
	else
		trouble_set(trouble, ERR_UNREACHABLE, "%s", words);
}

void try_failure_explain(
	const struct failed_transfer *t, struct try_failure *out, struct trouble *trouble)
{
	int error = scarcity_of(t->easy, t->code, t->words);

	*out = (struct try_failure){.final = true};
	if (error) {
		trouble_set(trouble, error, "%s: %s", error_text(error), failure_words(t));
		out->final = false;
	} else if (is_untrusted(t->code)) {
		explain_untrusted(t, trouble);
		out->unwell = true;
	} else if (is_bad_proxy(t)) {
		trouble_set(trouble, ERR_INVALID,
			"the proxy's URL is none, or of a kind that libcurl cannot use; it "
			"comes from --proxy or the environment (http_proxy, https_proxy, "
			"all_proxy)");
	} else if (explain_tunnel(t, trouble)) {
		out->final = trouble->code == ERR_DENIED;
	} else if (wants_certificate(t)) {
		trouble_set(trouble, ERR_DENIED,
			t->certified
				? "the server does not take the client certificate: %s"
				: "the server wants a client certificate (give it with "
				  "--cert and --cert-key): %s",
			failure_words(t));
	} else if (is_permanent(t->code, &error)) {
		trouble_set(trouble, error, "%s", failure_words(t));
	} else {
		explain_passing(t, trouble);
		out->final = false;
		out->unwell = !is_of_proxy(t);
	}
}
