/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "publish/overrides.h"

static bool is_newer(const struct entry *e, const struct overrides *o)
{
	return e->mtime > o->mtime ||
	       (e->mtime == o->mtime && e->mtime_nsec > o->mtime_nsec);
}

void overrides_apply(const struct overrides *o, struct entry *e)
{
	if (!o)
		return;
	if (o->has_mtime && (!o->clamp || is_newer(e, o))) {
		e->mtime = o->mtime;
		e->mtime_nsec = o->mtime_nsec;
	}
	if (o->has_uid)
		e->uid = o->uid;
	if (o->has_gid)
		e->gid = o->gid;
	if (e->type != ENTRY_SYMLINK) /* the bits of one mean nothing */
		e->mode = mode_change_apply(&o->mode, e->mode, e->type == ENTRY_DIRECTORY);
}

int overrides_apply_xattrs(const struct overrides *o, struct bytes *xattrs)
{
	struct span access = span_of_string("system.posix_acl_access");
	struct span inherited = span_of_string("system.posix_acl_default");
	struct bytes kept = {0};
	struct xattr x;
	size_t at = 0;
	int rc = 0;

	if (!o || o->mode.count == 0 || !xattrs_have_acl(span_of_bytes(xattrs)))
		return 0;
	while (!rc && xattr_next(span_of_bytes(xattrs), &at, &x))
		if (!span_equal(x.name, access) && !span_equal(x.name, inherited))
			rc = xattr_append(&kept, x.name, x.value);
	if (rc) {
		bytes_release(&kept);
		return rc;
	}
	bytes_release(xattrs);
	*xattrs = kept;
	return 0;
}
