/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <string.h>

#include "format/blob.h"
#include "format/document.h"
#include "publish/store_listing.h"

#define JSON_END ".json"
#define JSON_END_SIZE 5

int store_listing_next(struct store_listing *l, struct store_item *out, struct trouble *t)
{
	return l->next(l, out, t);
}

void store_listing_close(struct store_listing *l)
{
	if (l)
		l->close(l);
}

bool store_path_is_blob(const char *path, struct digest *out)
{
	char hex[DIGEST_HEX_SIZE], same[BLOB_PATH_SIZE];
	struct digest d;

	if (strlen(path) != strlen("blobs/ab/") + DIGEST_HEX_SIZE - 3)
		return false;
	memcpy(hex, path + strlen("blobs/"), 2);
	memcpy(hex + 2, path + strlen("blobs/ab/"), DIGEST_HEX_SIZE - 2);
	if (digest_from_hex(span_of_string(hex), &d))
		return false;
	blob_path(&d, same);
	if (strcmp(path, same))
		return false;
	*out = d;
	return true;
}

/* What stands between `prefix` and ".json". */
static bool find_stem(const char *path, const char *prefix, struct span *out)
{
	size_t size = strlen(path), skip = strlen(prefix);

	if (size <= skip + JSON_END_SIZE || memcmp(path, prefix, skip) ||
		strcmp(path + size - JSON_END_SIZE, JSON_END))
		return false;
	*out = span_of(path + skip, size - skip - JSON_END_SIZE);
	return true;
}

bool store_path_is_revision(const char *path, uint64_t *out)
{
	uint64_t value = 0;
	struct span stem;

	if (!find_stem(path, "revisions/", &stem) || stem.size > 16 || stem.data[0] == '0')
		return false;
	for (size_t i = 0; i < stem.size; i++) {
		if (stem.data[i] < '0' || stem.data[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(stem.data[i] - '0');
	}
	if (value > REVISION_MAX)
		return false;
	*out = value;
	return true;
}

bool store_path_is_tag(const char *path, char out[TAG_NAME_MAX + 1])
{
	char name[TAG_NAME_MAX + 1];
	struct span stem;

	if (!find_stem(path, "tags/", &stem) || stem.size > TAG_NAME_MAX)
		return false;
	memcpy(name, stem.data, stem.size);
	name[stem.size] = '\0';
	if (tag_name_check(name))
		return false;
	memcpy(out, name, stem.size + 1);
	return true;
}

bool store_path_is_tombstones(const char *path)
{
	static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz-";
	const size_t skip = strlen("tombstones/");
	size_t size;

	if (strncmp(path, "tombstones/", skip))
		return false;
	size = strspn(path + skip, letters);
	return size > 0 && size <= TOMBSTONES_NAME_MAX &&
	       strcmp(path + skip + size, ".txt") == 0;
}
