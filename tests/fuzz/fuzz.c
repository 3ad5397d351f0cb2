/* SPDX-License-Identifier: MIT */
/*
 * Runs fuzz targets over the kept corpus and over mutations of it and of their samples:
 *
 *   fuzz                               each for a moment; a minute with $CAIRN_LONG
 *   fuzz [-s SEED] [-t SECONDS] TARGET
 *   fuzz -s SEED -r RUN TARGET         one mutation again
 *   fuzz -c DIRECTORY TARGET           writes the samples there
 *   fuzz TARGET FILE...                these inputs
 *   fuzz -l                            lists the targets
 *
 * The corpus is in $CAIRN_SOURCE/tests/fuzz/corpus/TARGET.
 */
#include <config.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "util/clock.h"
#include "util/io.h"

#define INPUT_SIZE_MAX (8u << 20)
#define MUTATIONS_MAX 6
#define MOMENT 0.15 /* seconds */
#define LONG 60

struct corpus {
	struct bytes *items;
	size_t count;
};

struct mutator {
	const struct fuzz_target *target;
	const struct corpus *corpus;
	uint64_t state;
	struct bytes input;
};

/* For last_words() alone. */
static struct {
	unsigned long long seed, run;
	const char *target;
} now;

static void last_words(void)
{
	char text[120];
	int n = snprintf(text, sizeof(text), "fuzz: that was -s %llu -r %llu %s\n",
		now.seed, now.run, now.target);

	(void)!write(STDERR_FILENO, text, (size_t)n);
}

static void on_signal(int number)
{
	last_words();
	signal(number, SIG_DFL);
	raise(number);
}

/* The sanitizers' own way out. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void *checked(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

static void add_sample(void *ctx, struct span sample)
{
	struct corpus *c = ctx;

	c->items = checked(realloc(c->items, (c->count + 1) * sizeof(*c->items)));
	c->items[c->count] = (struct bytes){0};
	must(bytes_append(&c->items[c->count], sample.data, sample.size) == 0);
	c->count++;
}

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint64_t random_below(struct mutator *m, uint64_t limit)
{
	uint64_t z = m->state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (z ^ (z >> 31)) % limit;
}

/* Puts `piece` in the place of `gone` bytes at `at`. */
static void replace(struct mutator *m, size_t at, size_t gone, struct span piece)
{
	struct bytes out = {0};
	size_t rest = m->input.size - at - gone;

	must(bytes_reserve(&out, at + piece.size + rest + 1) == 0);
	bytes_append(&out, m->input.data, at);
	bytes_append(&out, piece.data, piece.size);
	bytes_append(&out, m->input.data ? m->input.data + at + gone : NULL, rest);
	bytes_release(&m->input);
	m->input = out;
}

/* What decoders trip over: edges of numbers, in text and in binary, and JSON's values. */
static struct span odd_piece(struct mutator *m, uint8_t number[8])
{
	static const char *const words[] = {"0", "-1", "1", "4095", "4096", "4097",
		"2097153", "4294967295", "4294967296", "9223372036854775807",
		"9223372036854775808", "18446744073709551616", "1e9", "0.5", "null", "true",
		"[]", "{}", "\"\"", "[[[[[[[[[[[[[[[[[[", "\\u0000", "..", "/", "a/b",
		"{\"base64\":\"\"}", "{\"base64\":\"gA==\"}", ",", "]", "}", "\xff"};
	static const uint64_t edges[] = {0, 1, 0x7f, 0x80, 0xff, 0xffff, 0x7fffffff,
		0x80000000, 0xffffffff, INT64_MAX, UINT64_MAX, UINT64_MAX - 47, 4096, 4097};
	size_t which = random_below(m, 2 * sizeof(words) / sizeof(*words));

	if (which < sizeof(words) / sizeof(*words))
		return span_of_string(words[which]);
	memcpy(number, &edges[random_below(m, sizeof(edges) / sizeof(*edges))], 8);
	return span_of(number, (size_t)1 << random_below(m, 4));
}

static void mutate(struct mutator *m)
{
	const struct bytes *other = &m->corpus->items[random_below(m, m->corpus->count)];
	size_t size = m->input.size, at = random_below(m, size + 1), left = size - at;
	size_t some = left ? random_below(m, left < 64 ? left + 1 : 65) : 0;
	uint8_t number[8];
	struct span piece;

	switch (random_below(m, 8)) {
	case 0:
	case 1:
		if (left)
			m->input.data[at] ^= (uint8_t)(1u << random_below(m, 8));
		break;
	case 2:
		if (left)
			m->input.data[at] = (uint8_t)random_below(m, 256);
		break;
	case 3:
		replace(m, at, random_below(m, 4) ? some : left, span_of(NULL, 0));
		break;
	case 4: /* again what stands there */
		must(bytes_reserve(&m->input, 1) == 0);
		replace(m, at, 0, span_of(m->input.data + at, some));
		break;
	case 5: /* the end of another */
		at = other->size ? random_below(m, other->size) : 0;
		replace(m, size - left, left, span_of(other->data + at, other->size - at));
		break;
	default:
		piece = odd_piece(m, number);
		some = random_below(m, 2) ? piece.size : some;
		replace(m, at, some < left ? some : left, piece);
	}
}

static void run_once(struct mutator *m, uint64_t seed, uint64_t run)
{
	const struct bytes *start;

	now.seed = seed;
	now.run = run;
	m->state = seed * 0x100000001b3u ^ run << 20;
	start = &m->corpus->items[random_below(m, m->corpus->count)];
	bytes_clear(&m->input);
	must(bytes_append(&m->input, start->data, start->size) == 0);
	for (uint64_t n = random_below(m, MUTATIONS_MAX) + 1; n > 0; n--)
		mutate(m);
	m->target->run(m->input.data, m->input.size);
}

/* Samples and what is kept as they are, then mutations of them. */
static void run_for(struct mutator *m, uint64_t seed, double seconds)
{
	int64_t end = clock_monotonic() + (int64_t)(seconds * 1e9);
	uint64_t run = 0;

	for (size_t i = 0; i < m->corpus->count; i++)
		m->target->run(m->corpus->items[i].data, m->corpus->items[i].size);
	do
		run_once(m, seed, run++);
	while (clock_monotonic() < end);
	printf("%s: %zu samples, %llu mutations of them\n", m->target->name,
		m->corpus->count, (unsigned long long)run);
}

static int run_file(const struct fuzz_target *target, const char *path)
{
	struct bytes input = {0};

	if (io_read_file(AT_FDCWD, path, INPUT_SIZE_MAX, &input)) {
		fprintf(stderr, "cannot read %s\n", path);
		return EXIT_FAILURE;
	}
	target->run(input.data, input.size);
	bytes_release(&input);
	return EXIT_SUCCESS;
}

static int write_samples(const struct corpus *c, const char *directory)
{
	int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = dir < 0;
	char name[32];

	for (size_t i = 0; i < c->count && !err; i++) {
		snprintf(name, sizeof(name), "sample-%zu", i);
		err = io_replace_file(dir, name, span_of_bytes(&c->items[i]), 0644, 0);
	}
	if (dir >= 0)
		close(dir);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Sorted, so that a run can be repeated. */
static void add_kept(const char *name, struct corpus *c)
{
	const char *top = getenv("CAIRN_SOURCE");
	struct dirent **entries;
	struct bytes input = {0};
	char path[4096];
	int count;

	snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/%s", top ? top : ".", name);
	count = scandir(path, &entries, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/%s/%s", top ? top : ".",
			name, entries[i]->d_name);
		bytes_clear(&input);
		if (entries[i]->d_name[0] != '.') {
			must(io_read_file(AT_FDCWD, path, INPUT_SIZE_MAX, &input) == 0);
			add_sample(c, span_of_bytes(&input));
		}
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	bytes_release(&input);
}

struct request {
	unsigned long long seed, run;
	bool one; /* that run only */
	bool list;
	double seconds;
	const char *directory;
	char **files; /* ends with NULL */
};

static int run_target(const struct fuzz_target *target, const struct request *r)
{
	struct corpus corpus = {0};
	struct mutator m = {.target = target, .corpus = &corpus};
	int status = EXIT_SUCCESS;

	now.target = target->name;
	target->samples(add_sample, &corpus);
	must(corpus.count > 0);
	if (r->directory) {
		status = write_samples(&corpus, r->directory);
	} else if (*r->files) {
		for (char **file = r->files; *file && !status; file++)
			status = run_file(target, *file);
	} else {
		add_kept(target->name, &corpus);
		if (r->one)
			run_once(&m, r->seed, r->run);
		else
			run_for(&m, r->seed, r->seconds);
	}
	for (size_t i = 0; i < corpus.count; i++)
		bytes_release(&corpus.items[i]);
	free(corpus.items);
	bytes_release(&m.input);
	return status;
}

static bool parse_options(int argc, char **argv, struct request *r)
{
	int letter;

	while ((letter = getopt(argc, argv, "ls:r:t:c:")) != -1) {
		if (letter == 's')
			r->seed = strtoull(optarg, NULL, 10);
		else if (letter == 'r')
			r->one = true, r->run = strtoull(optarg, NULL, 10);
		else if (letter == 't')
			r->seconds = strtod(optarg, NULL);
		else if (letter == 'c')
			r->directory = optarg;
		else if (letter == 'l')
			r->list = true;
		else
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	const char *length = getenv("CAIRN_LONG");
	struct request r = {.seed = 1, .seconds = length && *length ? LONG : MOMENT};
	const struct fuzz_target *target;
	int status = EXIT_SUCCESS;

	if (!parse_options(argc, argv, &r))
		return 2;
	signal(SIGABRT, on_signal);
	if (__sanitizer_set_death_callback)
		__sanitizer_set_death_callback(last_words);
	r.files = argv + optind + (optind < argc);
	if (optind < argc) {
		target = fuzz_find(argv[optind]);
		if (target)
			return run_target(target, &r);
		fprintf(stderr, "fuzz: there is no target %s\n", argv[optind]);
		return 2;
	}
	for (size_t i = 0; fuzz_targets[i] && !status; i++) {
		if (r.list)
			puts(fuzz_targets[i]->name);
		else
			status = run_target(fuzz_targets[i], &r);
		fflush(stdout);
	}
	return status;
}
