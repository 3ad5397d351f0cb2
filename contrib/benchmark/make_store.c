/* SPDX-License-Identifier: MIT */
/*
 * Makes a store of many entries without having their files:
 *
 *	make_store STORE ENTRIES [CHANGE...]
 *
 * Directories of some hundreds of files in a tree of directories; names, sizes, times and
 * digests are made up by number, so that equal arguments give equal trees. The pages go
 * through the publisher's own writer and are all there. Of the contents there are only
 * those of the files called README; reading another one is an error.
 *
 * Each CHANGE makes a further revision from the one before: "10" changes ten files far
 * from each other, "10d" the files of ten directories. Prints the public key.
 */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/page_builder.h"
#include "publish/page_sink.h"
#include "publish/store_directory.h"
#include "util/clock.h"

#define FILES_PER_DIRECTORY 300 /* mean */
#define FANOUT 64		/* directories in a directory */
#define FILES_PER_BUNDLE 125
#define FILE_SIZE_MEAN 8192
#define BUFFERS 2 /* of the publication, which reads nothing here */
#define CHANGES_MAX 32
#define BORN INT64_C(1700000000) /* the first mtime */

struct change {
	uint64_t stride; /* one file, or one run of files, in so many */
	uint64_t run;	 /* files that change together */
};

/* The files of one bundle, as all of its rows need them. */
struct bundle {
	uint64_t number; /* + 1; 0: none yet */
	struct object_ref object;
	uint64_t offsets[FILES_PER_BUNDLE + 1];
};

struct maker {
	struct publication publication;
	struct page_sink sink;
	struct page_builder *builder; /* of the revision that is being made */
	struct store *store;
	struct private_key *key;
	struct digest readme, previous;
	struct first_pages first;
	struct totals totals;
	struct bundle bundle;
	struct change changes[CHANGES_MAX];
	unsigned change_count; /* of the revision */
	uint64_t entries;      /* asked for */
	uint64_t files, directories;
	struct trouble trouble;
};

static const char readme_text[] = "This file is there; the others were made up.\n";

static void check(struct maker *m, int rc, const char *what)
{
	if (rc == 0)
		return;
	fprintf(stderr, "make_store: %s: %s\n", what,
		m->trouble.text[0] ? m->trouble.text : error_text(rc));
	exit(1);
}

/* Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014. */
static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static struct digest made_digest(uint64_t number, uint64_t version)
{
	struct digest d;

	for (unsigned i = 0; i < DIGEST_SIZE / sizeof(uint64_t); i++) {
		uint64_t word = mix(mix(number * 4 + i) ^ version);

		memcpy(d.bytes + i * sizeof word, &word, sizeof word);
	}
	return d;
}

/* How often the file was changed up to this revision. */
static unsigned version_of(const struct maker *m, uint64_t file)
{
	unsigned version = 0;

	for (unsigned i = 0; i < m->change_count; i++) {
		const struct change *c = &m->changes[i];

		version += (file / c->run) % c->stride == (c->stride - 1) / 2;
	}
	return version;
}

static uint64_t size_of(uint64_t file, unsigned version)
{
	return 1 + mix(file * 8 + version) % (2 * FILE_SIZE_MEAN);
}

/* Any change to a file makes another object of its bundle. */
static void open_bundle(struct maker *m, uint64_t number)
{
	struct bundle *b = &m->bundle;
	uint64_t first = number * FILES_PER_BUNDLE, version = 0;

	if (b->number == number + 1)
		return;
	b->number = number + 1;
	for (unsigned i = 0; i < FILES_PER_BUNDLE; i++) {
		unsigned v = version_of(m, first + i);

		b->offsets[i + 1] = b->offsets[i] + size_of(first + i, v);
		version = version * 31 + v;
	}
	b->object = (struct object_ref){
		.digest = made_digest(~number, version),
		.size = b->offsets[FILES_PER_BUNDLE],
		.form = OBJECT_SINGLE,
	};
	m->totals.objects++;
}

static void add(struct maker *m, struct entry *e, uint64_t number)
{
	e->uid = e->gid = 1000;
	e->mtime = BORN + (int64_t)(mix(number) % 50000000);
	e->mtime_nsec = (uint32_t)(mix(~number) % 1000000000);
	check(m, page_builder_add(m->builder, e, &m->trouble), "an entry");
}

static void add_readme(struct maker *m, struct span parent)
{
	struct entry e = {
		.parent = parent,
		.name = span_of_string("README"),
		.type = ENTRY_FILE,
		.mode = 0644,
		.links = 1,
		.size = sizeof readme_text - 1,
		.has_content = true,
		.content = m->readme,
		.object = {.digest = m->readme, .size = sizeof readme_text - 1},
	};

	m->totals.files++;
	add(m, &e, 0);
}

static void add_file(struct maker *m, struct span parent, unsigned index)
{
	static const char *const kinds[] = {"jpg", "json", "txt", "npy"};
	uint64_t file = m->files++;
	unsigned version = version_of(m, file);
	char name[64];
	struct entry e = {.parent = parent, .type = ENTRY_FILE, .mode = 0644, .links = 1};

	snprintf(name, sizeof name, "sample_%03u_%06x.%s", index,
		(unsigned)(mix(file) & 0xffffff), kinds[file % 4]);
	open_bundle(m, file / FILES_PER_BUNDLE);
	e.name = span_of_string(name);
	e.size = size_of(file, version);
	e.has_content = true;
	e.content = made_digest(file, version);
	e.object = m->bundle.object;
	e.offset = m->bundle.offsets[file % FILES_PER_BUNDLE];
	m->totals.files++;
	add(m, &e, file * 8 + version);
}

static unsigned children_of(uint64_t leaves)
{
	return leaves > 1 ? (unsigned)(leaves < FANOUT ? leaves : FANOUT) : 0;
}

static void name_directory(char name[16], unsigned index)
{
	snprintf(name, 16, "part-%03u", index);
}

/* Of `leaves` directories with files, those below child `index` of `count`. */
static uint64_t share(uint64_t leaves, unsigned index, unsigned count)
{
	return leaves * (index + 1) / count - leaves * index / count;
}

/* The listing of the directory, and then those of the directories in it. */
static void add_listing(struct maker *m, struct span path, uint64_t leaves)
{
	unsigned count = children_of(leaves);
	unsigned files = FILES_PER_DIRECTORY / 2 +
			 (unsigned)(mix(m->directories) % FILES_PER_DIRECTORY);
	char name[16];

	add_readme(m, path);
	for (unsigned i = 0; i < count; i++) {
		unsigned below = children_of(share(leaves, i, count));
		struct entry e = {.parent = path, .type = ENTRY_DIRECTORY, .mode = 0755};

		name_directory(name, i);
		e.name = span_of_string(name);
		e.links = 2 + below;
		add(m, &e, m->directories++);
	}
	for (unsigned i = 0; count == 0 && i < files; i++)
		add_file(m, path, i);
	m->directories++;
}

static void add_tree(struct maker *m, struct span path, uint64_t leaves)
{
	unsigned count = children_of(leaves);
	char below[PATH_SIZE_MAX];

	add_listing(m, path, leaves);
	for (unsigned i = 0; i < count; i++) {
		char name[16];
		int size;

		name_directory(name, i);
		size = snprintf(below, sizeof below, "%.*s%s%s", (int)path.size,
			(const char *)path.data, path.size > 0 ? "/" : "", name);
		add_tree(m, span_of(below, (size_t)size), share(leaves, i, count));
	}
}

static void make_pages(struct maker *m, struct digest *root)
{
	uint64_t leaves = m->entries / (FILES_PER_DIRECTORY + 2) + 1;
	struct entry top = {.type = ENTRY_DIRECTORY, .mode = 0755};

	m->totals = (struct totals){.objects = 1};
	m->bundle.number = 0;
	m->files = m->directories = 0;
	check(m, page_builder_new(page_sink_emit, &m->sink, &m->builder), "pages");
	top.links = 2 + children_of(leaves);
	add(m, &top, 0);
	add_tree(m, span_of_string(""), leaves);
	check(m,
		page_builder_finish(m->builder, root, &m->totals.entries, &m->totals.bytes,
			&m->trouble),
		"pages");
	page_builder_first(m->builder, &m->first);
	page_builder_free(m->builder);
}

static void make_manifest(struct maker *m, const struct digest *root, uint64_t revision)
{
	const struct private_key *key = m->key;
	struct bytes text = {0};
	struct manifest manifest = {
		.name = (char[]){"made"},
		.message = (char[]){""},
		.revision = revision,
		.created = BORN + (int64_t)revision,
		.has_previous = revision > 1,
		.previous = m->previous,
		.root = *root,
		.first = m->first,
		.totals = m->totals,
	};

	manifest.totals.stored = blobs_totals(m->publication.blobs).stored;
	check(m, store_sync(m->store, &m->trouble), "store");
	check(m, manifest_encode(&manifest, &key, 1, &text), "manifest");
	check(m,
		store_write_manifest(
			m->store, revision, span_of_bytes(&text), NULL, &m->trouble),
		"manifest");
	check(m, store_settle(m->store, &m->trouble), "store");
	m->previous = digest_of(text.data, text.size);
	bytes_release(&text);
}

static void begin(struct maker *m, uint64_t revision)
{
	struct publication *p = &m->publication;
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned jobs = processors > 0 ? (unsigned)processors : 1;

	*p = (struct publication){0};
	check(m, publication_init(p, BUFFERS), "memory");
	p->scratches = scratches_new(m->store, NULL);
	p->blobs = blobs_new(m->store, 3, jobs + 1, false);
	check(m, workers_new("make", jobs, &p->workers), "threads");
	m->sink.publication = p;
	m->change_count = (unsigned)revision - 1;
}

static void finish(struct maker *m)
{
	struct publication *p = &m->publication;

	workers_free(p->workers);
	check(m, publication_failure(p, &m->trouble), "a page");
}

static void make_revision(struct maker *m, uint64_t revision)
{
	struct publication *p = &m->publication;
	struct span readme = span_of_string(readme_text);
	struct digest root;
	struct scratch *x;

	begin(m, revision);
	m->readme = digest_of(readme.data, readme.size);
	x = scratch_take(p->scratches);
	check(m, blobs_put(p->blobs, x, &m->readme, readme, NULL, &m->trouble), "README");
	scratch_give(p->scratches, x);
	make_pages(m, &root);
	finish(m);
	make_manifest(m, &root, revision);
	fprintf(stderr,
		"revision %" PRIu64 ": %" PRIu64 " entries, %" PRIu64 " new blobs\n",
		revision, m->totals.entries, blobs_totals(p->blobs).new_blobs);
	blobs_free(p->blobs);
	scratches_free(p->scratches);
	publication_release(p);
}

static struct change parse_change(const struct maker *m, const char *text)
{
	char *end;
	uint64_t count = strtoull(text, &end, 10);
	uint64_t run = *end == 'd' ? FILES_PER_DIRECTORY : 1;
	uint64_t runs = m->entries / run;

	return (struct change){
		.stride = count && count < runs ? runs / count : 1, .run = run};
}

int main(int argc, char **argv)
{
	struct maker m = {0};
	char key[PUBLIC_KEY_TEXT_SIZE];
	struct public_key public;

	if (argc < 3 || argc > 3 + CHANGES_MAX) {
		fprintf(stderr, "use: make_store STORE ENTRIES [CHANGE...]\n");
		return 2;
	}
	m.entries = strtoull(argv[2], NULL, 10);
	for (int i = 3; i < argc; i++)
		m.changes[i - 3] = parse_change(&m, argv[i]);
	check(&m, private_key_generate(&m.key), "key");
	check(&m, store_directory_open(argv[1], STORE_MAKE, &m.store, &m.trouble), argv[1]);
	for (int i = 0; i <= argc - 3; i++)
		make_revision(&m, (uint64_t)i + 1);
	public = private_key_public(m.key);
	public_key_to_text(&public, key);
	puts(key);
	store_close(m.store);
	private_key_free(m.key);
	return 0;
}
