/* SPDX-License-Identifier: MIT */
/*
 * The cache's books: single records, rows of all tables with checksums that are right (a
 * hostile neighbour's, or an older program's), and LMDB's file as its bytes.
 */
#include <config.h>

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/meta/dataset_record.h"
#include "cache/meta/eviction.h"
#include "cache/meta/pages.h"
#include "cache/meta/pins.h"
#include "cache/meta/purge.h"
#include "cache/meta/recount.h"
#include "cache/meta/scan.h"
#include "cache/meta/scrub_record.h"
#include "cache/meta/settings.h"
#include "util/structure.h"
#include "cache/meta/transaction.h"
#include "cache/meta/unflushed.h"
#include "fuzz/fuzz.h"
#include "util/clock.h"
#include "util/io.h"

#define FUZZ_CHUNK 65536u

/* ---- record: the decoders one by one; the first byte says which */

static void try_key(struct span s)
{
	uint64_t instance, ordinal;
	struct object_id id;
	int64_t last_use;

	chunk_key_decode(s, &instance, &ordinal);
	instance_key_decode(s, &instance);
	object_key_decode(s, &id);
	use_key_decode(s, &last_use, &id);
}

static void record_run(const uint8_t *data, size_t size)
{
	/* In memory of just that size. */
	struct bytes copy = {0};
	struct object_record object;
	struct chunk_record chunk;
	enum blob_kind kind;
	struct span packed, s;

	must(bytes_append(&copy, data, size) == 0);
	s = span_of_bytes(&copy);
	try_key(s);
	if (object_record_decode(s, &object) == 0) {
		must(object.chunks >= 1 && object.present <= object.chunks);
		must(object.resident <= object.size);
		object_record_release(&object);
	}
	if (chunk_record_decode(s, &chunk) == 0)
		must(chunk.size >= 1 && chunk.size <= CHUNK_SIZE_MAX);
	if (page_record_decode(s, &kind, &packed) == 0)
		must(packed.size <= s.size);
	pages_check(s, &kind, &packed);
	bytes_release(&copy);
}

struct row_giver {
	fuzz_sample_fn sample;
	void *ctx;
};

static void books_each_row(
	void (*give)(void *ctx, enum table table, struct span key, struct span value),
	void *ctx);

static void give_value(void *ctx, enum table table, struct span key, struct span value)
{
	const struct row_giver *g = ctx;

	(void)table, (void)key;
	g->sample(g->ctx, value);
}

static void record_samples(fuzz_sample_fn sample, void *ctx)
{
	struct row_giver g = {sample, ctx};

	books_each_row(give_value, &g);
}

const struct fuzz_target fuzz_record = {"record", record_run, record_samples};

/* ---- dataset_record: one spelling for each state */

static void dataset_record_run(const uint8_t *data, size_t size)
{
	struct dataset_record r;
	struct bytes again = {0};

	if (dataset_record_decode(span_of(data, size), &r))
		return;
	must(dataset_record_encode(&r, &again) == 0);
	must(span_equal(span_of(data, size), span_of_bytes(&again)));
	bytes_release(&again);
	dataset_record_release(&r);
}

static void dataset_record_samples(fuzz_sample_fn sample, void *ctx)
{
	struct dataset_record r = {.name = (char *)"data",
		.url = (char *)"https://a.example/x",
		.manifest = {(uint8_t *)"{}", 2, 2},
		.etag = "\"a\"",
		.revision = 4,
		.highest = 5,
		.accepted = 1795414441};
	struct bytes text = {0};

	must(dataset_record_encode(&r, &text) == 0);
	sample(ctx, span_of_bytes(&text));
	bytes_release(&text);
}

const struct fuzz_target fuzz_dataset_record = {
	"dataset_record", dataset_record_run, dataset_record_samples};

/* ---- books: (table, size of the key, of the value (2), key, value)... */

static struct metadata *books_of(const char *name)
{
	struct metadata *m;
	struct trouble t = {0};
	char path[128];

	snprintf(path, sizeof path, "%s", fuzz_path_of(name));
	must(mkdir(path, 0700) == 0);
	must(metadata_open(path, 0, DEADLINE_NONE, NULL, &m, &t) == 0);
	return m;
}

struct books_input {
	struct metadata *m;
	struct span rest;
};

/* False at the end, and for what is no row. */
static bool take_row(
	struct span *rest, enum table *table, struct span *key, struct span *value)
{
	size_t key_size, value_size;

	if (rest->size < 4)
		return false;
	*table = rest->data[0] % TABLE_COUNT;
	key_size = rest->data[1];
	value_size = (size_t)rest->data[2] | (size_t)rest->data[3] << 8;
	*rest = span_of(rest->data + 4, rest->size - 4);
	if (key_size == 0 || key_size + value_size > rest->size)
		return false;
	*key = span_of(rest->data, key_size);
	*value = span_of(rest->data + key_size, value_size);
	*rest = span_of(
		rest->data + key_size + value_size, rest->size - key_size - value_size);
	return true;
}

static int put_rows(MDB_txn *txn, void *arg)
{
	const struct books_input *in = arg;
	struct span rest = in->rest, key, value;
	enum table table;
	int rc = 0;

	for (int i = 0; i < TABLE_COUNT && !rc; i++)
		rc = table_clear(in->m, txn, (enum table)i);
	while (!rc && take_row(&rest, &table, &key, &value))
		rc = table_put(in->m, txn, table, key, value, span_of(NULL, 0));
	return rc;
}

static struct object_id fuzz_object(unsigned number)
{
	return (struct object_id){
		digest_of(&number, sizeof number), digest_of(&number, sizeof number)};
}

static struct change fuzz_change(enum change_kind kind, unsigned number, uint64_t ordinal)
{
	return (struct change){.kind = kind,
		.number = ordinal,
		.object = fuzz_object(number),
		.instance = number,
		.ordinal = ordinal,
		.start = ordinal * FUZZ_CHUNK,
		.size = FUZZ_CHUNK,
		.chunk = digest_of(&ordinal, sizeof ordinal),
		.seconds = 1795414441,
		.sequence = ordinal,
		.creates = kind == CHANGE_MARK,
		.object_size = 3 * FUZZ_CHUNK,
		.chunks = 3};
}

static void commit(struct metadata *m, struct changes *c)
{
	struct outcome o;

	must(metadata_lock(m, DEADLINE_NONE) == 0);
	if (transaction_commit(m, c, &o) == 0)
		outcome_release(&o);
	metadata_unlock(m);
}

/* Reads all, then changes something of each kind. */
static void change_books(struct metadata *m)
{
	struct change ops[] = {fuzz_change(CHANGE_MARK, 1, 1),
		fuzz_change(CHANGE_DROP, 1, 0), fuzz_change(CHANGE_MARK, 2, 2),
		fuzz_change(CHANGE_USE, 2, 0), fuzz_change(CHANGE_FLUSHED, 2, 9),
		fuzz_change(CHANGE_TRUST, 1, 0), fuzz_change(CHANGE_LOSE, 3, 0)};
	struct pin_change pin = {(char *)"pin", fuzz_object(2)};
	struct eviction_place at = {.size = 0};
	struct victim victims[4];
	struct changes c = {.epoch = {1, 1},
		.user = 1,
		.now = 1795414441,
		.disk_free = 1 << 30,
		.ops = ops,
		.op_count = sizeof ops / sizeof *ops,
		.pins = &pin,
		.pin_count = 1,
		.victims = victims,
		.renew = true,
		.demand = FUZZ_CHUNK};

	if (eviction_list(m, &at, victims, 4, &c.victim_count))
		c.victim_count = 0;
	commit(m, &c);
}

static int look_within(MDB_txn *txn, void *arg)
{
	struct metadata *m = arg;
	struct object_id object = fuzz_object(1);
	uint64_t generation, instance = 0;
	struct victim victim;
	struct victims_sum sum;
	uint32_t user;
	bool all, more;

	trust_epoch_generation(m, txn, &generation);
	victims_sum(m, txn, &sum);
	while (victims_next(m, txn, instance, &victim, &user) == 0) {
		must(victim.instance >= instance && victim.state <= VICTIM_STUCK);
		if (victim.instance == UINT64_MAX)
			break;
		instance = victim.instance + 1;
	}
	pins_has(m, txn, &object);
	unflushed_has(m, txn, 1);
	unflushed_forget(m, txn, 2);
	unflushed_distrust_all(m, txn, &all);
	return purge_some(m, txn, &more);
}

static void look_from_outside(struct metadata *m)
{
	struct pin_count pin = {.name = ""};
	struct dataset_record dataset;
	struct scrub_record scrub;
	struct digest id = digest_of("x", 1);
	uint32_t users[4];
	size_t count;
	struct space space;

	while (pins_next(m, pin.name, &pin) == 0)
		must(pin.name[0]);
	if (dataset_record_load(m, &id, &dataset) == 0)
		dataset_record_release(&dataset);
	dataset_record_by_url(m, "https://a.example/x", &id);
	must(scrub_record_get(m, &scrub) == 0);
	must(space_look(m, 1 << 30, &space) == 0);
	must(space_users(m, users, 4, &count) == 0 && count <= 4);
}

static void books_run(const uint8_t *data, size_t size)
{
	static struct metadata *m;
	struct settings settings = {.epoch = {.boot = 1}, .alone = true};
	struct books_input in;
	uint64_t broken, removed;

	if (!m)
		m = books_of("books");
	in = (struct books_input){m, span_of(data, size)};
	must(metadata_write(m, DEADLINE_NONE, put_rows, &in) == 0);
	look_from_outside(m);
	change_books(m);
	must(metadata_write(m, DEADLINE_NONE, look_within, m) == 0);
	settings_enter(m, DEADLINE_NONE, &settings);
	pins_remove_some(m, DEADLINE_NONE, "pin", &removed);
	must(recount(m, DEADLINE_NONE, NULL, 0, &broken) == 0);
	change_books(m);
	/* Nothing in a row makes the file a damaged one. */
	must(metadata_state(m) == METADATA_SOUND);
}

static int put_other_rows(MDB_txn *txn, void *arg)
{
	struct metadata *m = arg;
	struct object_id object = fuzz_object(3);
	struct unflushed u = {3, 1, object, 5};
	struct victim v = {.object = object, .instance = 3, .cost = 4096};
	struct scrub_record scrub = {.user = 1, .at = object};
	int rc = unflushed_put(m, txn, &u);

	if (!rc)
		rc = victims_add(m, txn, 1, &v);
	if (!rc)
		rc = lease_put(m, txn, 7, 4096);
	if (!rc)
		rc = setting_put(m, txn, SETTING_SCRUB, &scrub, sizeof scrub);
	return rc;
}

/* Of all tables, as the program itself writes them. */
static void books_each_row(
	void (*give)(void *ctx, enum table table, struct span key, struct span value),
	void *ctx)
{
	static struct metadata *m;
	struct settings settings = {.epoch = {.boot = 1}, .alone = true};
	struct span key, value;

	if (!m) {
		m = books_of("good-books");
		must(settings_enter(m, DEADLINE_NONE, &settings) == 0);
		change_books(m);
		must(metadata_write(m, DEADLINE_NONE, put_other_rows, m) == 0);
	}
	for (int i = 0; i < TABLE_COUNT; i++) {
		struct scan *s = scan_new(m, (enum table)i);

		must(s);
		while (scan_next(s, &key, &value) == 0)
			give(ctx, (enum table)i, key, value);
		scan_free(s);
	}
}

static void append_row(void *ctx, enum table table, struct span key, struct span value)
{
	const uint8_t head[4] = {(uint8_t)table, (uint8_t)key.size, (uint8_t)value.size,
		(uint8_t)(value.size >> 8)};
	struct bytes *all = ctx;

	must(key.size < 256 && value.size < 65536);
	must(bytes_append(all, head, sizeof head) == 0);
	must(bytes_append(all, key.data, key.size) == 0);
	must(bytes_append(all, value.data, value.size) == 0);
}

static void books_samples(fuzz_sample_fn sample, void *ctx)
{
	struct bytes all = {0};

	books_each_row(append_row, &all);
	sample(ctx, span_of_bytes(&all));
	bytes_release(&all);
}

const struct fuzz_target fuzz_books = {"books", books_run, books_samples};

/* ---- structure: data.mdb */

static void structure_run(const uint8_t *data, size_t size)
{
	struct structure s;

	if (access(fuzz_path_of("structure"), F_OK))
		must(mkdir(fuzz_path_of("structure"), 0700) == 0);
	fuzz_file_of("structure/data.mdb", data, size);
	if (structure_check(fuzz_path_of("structure"), &s) == 0)
		must(s.bytes <= size + 65536u * 4096u && s.free <= s.bytes);
}

static void no_row(void *ctx, enum table table, struct span key, struct span value)
{
	(void)ctx, (void)table, (void)key, (void)value;
}

static void structure_samples(fuzz_sample_fn sample, void *ctx)
{
	struct bytes file = {0};

	books_each_row(no_row, NULL);
	must(io_read_file(AT_FDCWD, fuzz_path_of("good-books/data.mdb"), SIZE_MAX, &file) ==
		0);
	sample(ctx, span_of_bytes(&file));
	bytes_release(&file);
}

const struct fuzz_target fuzz_structure = {"structure", structure_run, structure_samples};
