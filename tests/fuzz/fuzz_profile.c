/* SPDX-License-Identifier: MIT */
/* profile_decode() on any text: what it makes of it is within the caps, and its own text
 * gives the same again. */
#include <config.h>

#include <stdlib.h>

#include "format/profile.h"
#include "fuzz/fuzz.h"

static void profile_text(const struct profile *p, struct bytes *text)
{
	size_t left;

	must(profile_encode(p, NULL, PROFILE_STORED_MAX, text, &left) == 0);
	must(text->size <= PROFILE_STORED_MAX);
}

static void profile_look(const struct profile *p)
{
	for (size_t i = 0; i < profile_reads(p); i++) {
		struct profile_read read = profile_read_at(p, i);

		must(read.file < profile_files(p) && read.path.size > 0);
		must(path_check(read.path) == 0 && read.size > 0);
		must(read.offset <= ENTRY_SIZE_MAX &&
			read.size <= ENTRY_SIZE_MAX - read.offset);
	}
}

static void profile_fuzz_run(const uint8_t *data, size_t size)
{
	struct bytes text = {0}, again = {0};
	struct profile *p, *q;
	struct trouble t = {0};
	int rc = profile_decode(span_of(data, size), &p, &t);

	must(rc <= 0 && (rc == 0 || t.text[0]));
	if (rc)
		return;
	profile_look(p);
	profile_text(p, &text);
	must(profile_decode(span_of_bytes(&text), &q, &t) == 0);
	profile_text(q, &again);
	must(span_equal(span_of_bytes(&text), span_of_bytes(&again)));
	profile_free(p);
	profile_free(q);
	bytes_release(&text);
	bytes_release(&again);
}

static void profile_samples(fuzz_sample_fn sample, void *ctx)
{
	sample(ctx,
		span_of_string("{\"operation\":\"read\",\"path\":\"a/b\",\"us\":1,"
			       "\"offset\":4096,\"size\":4096,\"waited\":true}\n"
			       "{\"path\":\"a/b\",\"size\":4096}\n{\"lost\":3}\n"
			       "{\"path\":\"a/b\",\"offset\":900000}\n"
			       "{\"path\":{\"base64\":\"/w==\"},\"size\":1}\n"
			       "{\"path\":\"a/b\",\"offset\":300000,\"size\":400000}\n"));
}

const struct fuzz_target fuzz_profile = {"profile", profile_fuzz_run, profile_samples};
