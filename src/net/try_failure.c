/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <openssl/x509.h>

#include "net/fetch_try.h"
#include "net/try_failure.h"

#define OWN_CA "; when it is signed by a CA of your own, give that CA's file with --cacert"
#define GIVEN_CA ": the file given with --cacert does not hold the CA that signed it"

static const char *failure_words(const struct fetch_try *t)
{
	return t->words[0] ? t->words : curl_easy_strerror(t->code);
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

static int explain_untrusted(struct fetch_try *t, struct trouble *trouble)
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
static bool is_of_proxy(const struct fetch_try *t)
{
	static const char begin[] = "Failed to connect to ";
	const char *url = t->hop.url ? t->hop.url : t->url, *named, *host;
	size_t size;

	if (t->code == CURLE_COULDNT_RESOLVE_PROXY || t->code == CURLE_PROXY)
		return true;
	if (strncmp(t->words, begin, sizeof begin - 1))
		return false;
	if (strstr(t->words, " via "))
		return true;
	named = t->words + sizeof begin - 1;
	size = strcspn(named, " ");
	host = strstr(url, "://");
	return host && !names_same(host + 3, named, size);
}

/* What a proxy answered to CONNECT (RFC 9110, 9.3.6); false: it has not refused. */
static bool explain_tunnel(struct fetch_try *t, struct trouble *trouble)
{
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_HTTP_CONNECTCODE, &status);
	if (status < 300)
		return false;
	if (status == 407)
		trouble_set(trouble, ERR_DENIED, TRY_PROXY_WANTS_PASSWORD);
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

/* TLS alerts of servers that want a client certificate, or another one. */
static bool wants_certificate(const struct fetch_try *t)
{
	return strstr(t->words, "certificate required") ||
	       strstr(t->words, "bad certificate");
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

/* That may be over the next time. */
static void explain_passing(struct fetch_try *t, struct trouble *trouble)
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
	else if (strstr(t->words, "handshake failure") && !t->certified)
		trouble_set(trouble, ERR_UNREACHABLE,
			"%s; a server that wants a client certificate (--cert) may say it "
			"so",
			words);
	else if (t->body.size > 0 || t->code == CURLE_PARTIAL_FILE)
		trouble_set(trouble, ERR_TIMEOUT,
			"the answer broke off after %zu bytes: %s", t->body.size, words);
	else
		trouble_set(trouble, ERR_UNREACHABLE, "%s", words);
}

void try_failure_explain(
	struct fetch_try *t, struct try_failure *out, struct trouble *trouble)
{
	int error;

	*out = (struct try_failure){.final = true};
	if (is_untrusted(t->code)) {
		explain_untrusted(t, trouble);
		out->unwell = true;
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
