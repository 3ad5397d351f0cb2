/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "publish/store_location.h"
#include "publish/store_open.h"

int store_open(const char *given, const struct store_open_options *options,
	struct store **out, struct trouble *t)
{
	struct store_location l;
	int rc = store_location_find(given, &l, t);

	if (rc)
		return rc;
	if (!l.is_url)
		rc = store_directory_open(l.text, options->access, out, t);
	else if (options->access == STORE_READ)
		rc = store_remote_open(l.text, &options->remote, out, t);
	else
		rc = trouble_set(t, ERR_UNSUPPORTED,
			"%s can be read, but not written to: give the directory that its "
			"server serves",
			given);
	store_location_release(&l);
	return rc;
}
