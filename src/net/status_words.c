/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <string.h>

#include "net/status_words.h"

bool status_is_passing(long status)
{
	return status >= 500 || status == 408 || status == 425 || status == 429;
}

/* What the person may do about it. */
static const char *denial_hint(long status, bool strayed)
{
	if (strayed)
		return "credentials are not sent to where a redirect leads: if they are "
		       "meant for it, give its URL";
	if (status == 401)
		return "a name and password are taken from ~/.netrc with --netrc, a token "
		       "from a file with --bearer-file";
	return "some stores say so of what does not exist: is the URL right?";
}

void status_explain(long status, const char *said, bool strayed, struct trouble *t)
{
	if (status == 404 || status == 410)
		trouble_set(t, ERR_ABSENT, "the server does not have it (%ld)", status);
	else if (status == 401 || status == 403)
		trouble_set(t, ERR_DENIED, "the server denies access (%ld); %s", status,
			denial_hint(status, strayed));
	else if (status == 407)
		trouble_set(t, ERR_DENIED, STATUS_PROXY_WANTS_PASSWORD);
	else if (status == 400 && strstr(said, "SSL certificate"))
		trouble_set(t, ERR_DENIED,
			"the server wants a client certificate (400); "
			"give it with --cert and --cert-key");
	else if (status == 400 && strstr(said, "HTTPS port"))
		trouble_set(t, ERR_UNREACHABLE,
			"the server speaks https:// there, not http:// (400)");
	else if (status_is_passing(status))
		trouble_set(t, ERR_UNREACHABLE, "the server answered %ld", status);
	else
		trouble_set(t, ERR_UNREACHABLE,
			"the server answered %ld, which a web server for files does not",
			status);
}
