/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/entry_copy.h"

#include <string.h>

#include "format/page.h"
#include "format/page_packer.h"
#include "util/error.h"

int entry_copy(const struct entry *e, struct entry_copy *out)
{
	struct page_packer *packer = page_packer_new(0);
	struct page page;
	struct entry_copy copy = {0};
	int rc = packer ? page_packer_entry(packer, e) : ERR_NO_MEMORY;

	if (!rc)
		rc = page_packer_finish(packer, &copy.packed);
	if (!rc)
		rc = page_view(span_of_bytes(&copy.packed), &page);
	if (!rc)
		rc = page_entry(&page, 0, &copy.entry);
	page_packer_free(packer);
	if (rc)
		entry_copy_release(&copy);
	else
		*out = copy;
	return rc;
}

void entry_copy_release(struct entry_copy *c)
{
	bytes_release(&c->packed);
	memset(c, 0, sizeof *c);
}
