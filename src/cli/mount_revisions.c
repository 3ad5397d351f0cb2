/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/mount_revisions.h"

#include "dataset/refresh.h"

static int mount_revisions_bring(void *ctx, uint64_t revision, const char *tag,
	int64_t deadline_ns, struct manifest **out, struct trouble *t)
{
	const struct mount_revisions *v = ctx;
	struct dataset_options options = v->request->reader.dataset;

	options.revision = revision;
	options.tag = tag;
	options.deadline_ns = deadline_ns;
	return dataset_bring(v->reader->dataset, &options, out, t);
}

static void mount_revisions_end(void *ctx)
{
	const struct mount_revisions *v = ctx;

	dataset_end_waits(v->reader->dataset);
}

void mount_revisions_init(
	struct mount_revisions *v, const struct mount_request *m, struct reader *r)
{
	*v = (struct mount_revisions){
		.request = m,
		.reader = r,
		.source = {mount_revisions_bring, mount_revisions_end, v},
	};
}
