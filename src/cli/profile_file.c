/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/profile_file.h"

#include <fcntl.h>

#include "util/io.h"

int profile_file_read(const char *file, struct profile **out, struct trouble *t)
{
	struct bytes text = {0};
	struct trouble why = {0};
	int rc = io_read_file(AT_FDCWD, file, PROFILE_TEXT_MAX, &text);

	if (rc)
		trouble_set(
			t, rc, "the profile %s cannot be read: %s", file, error_text(rc));
	else if ((rc = profile_decode(span_of_bytes(&text), out, &why)))
		trouble_set(t, rc, "the profile %s: %s", file, why.text);
	bytes_release(&text);
	return rc;
}
