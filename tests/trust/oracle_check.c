/* What a mount shows afterwards is held against the journal.
 *
 * Each name of a slot has candidates: the contents that it must have (the base), and those that operations in doubt
 * would have given it. Under the operations in doubt every byte is one that stood there or one that was being
 * written, and nothing else of the file has changed.
 */
#include "tests/trust/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK 4096
#define DOUBTS_MAX 4096
#define BLOCKS_MAX (CONTENT_MAX / BLOCK)
#define PROBLEMS_SHOWN 20

struct doubt {
	const struct record *record;
	int64_t from, to; /* bytes whose blocks it may have rewritten */
	int64_t old_size, new_size;
};

/* One life of a file: from its making, or what the base has, up to its end. */
struct candidate {
	bool durable; /* it is there whole, under what is in doubt */
	uint64_t name;
	int64_t size;
	uint8_t *bytes;
	size_t first, end; /* its doubts */
};

struct suspect { /* a slot */
	unsigned lane, slot;
	struct model base;
	struct doubt doubts[DOUBTS_MAX];
	size_t doubt_count;
	struct candidate candidates[DOUBTS_MAX];
	size_t candidate_count;
	bool removal; /* somebody may have removed it */
};

struct found { /* a file as the mount shows it */
	int64_t size;
	uint8_t bytes[CONTENT_MAX];
	bool torn[BLOCKS_MAX]; /* gives EIO */
	size_t torn_count;
};

struct checker {
	struct journal *journal;
	const struct check_options *options;
	int directory;
	FILE *flux;
	struct suspect suspect;
	struct found found;
	uint64_t files, bytes, in_doubt, torn;
	unsigned problems;
};

static void problem(struct checker *checker, const char *place, const char *words, long long number)
{
	if (checker->problems++ < PROBLEMS_SHOWN)
		(void)printf("%.60s: %s (%lld)\n", place, words, number);
}

/* -- what may be ------------------------------------------------------------------------------ */

static struct candidate *candidate_add(struct suspect *suspect, uint64_t name)
{
	struct candidate *candidate = &suspect->candidates[suspect->candidate_count++];

	if (suspect->candidate_count > 1)
		candidate[-1].end = suspect->doubt_count;
	*candidate = (struct candidate){.name = name, .first = suspect->doubt_count};
	return candidate;
}

static void doubt_add(struct suspect *suspect, struct model *model, const struct record *record)
{
	struct doubt *doubt = &suspect->doubts[suspect->doubt_count++];
	int64_t edge = model->size > 0 ? model->size - 1 : 0;

	*doubt = (struct doubt){.record = record, .from = record->offset, .old_size = model->size};
	model_apply(model, record);
	doubt->new_size = model->size;
	if (record->operation == OPERATION_TRUNCATE && doubt->new_size < doubt->old_size)
		doubt->from = record->offset > 0 ? record->offset - 1 : 0;
	else if (doubt->new_size > doubt->old_size)
		doubt->from = edge < record->offset ? edge : record->offset;
	doubt->to = doubt->new_size != doubt->old_size ? CONTENT_MAX : record->offset + record->size;
}

static void suspect_doubt(struct suspect *suspect, struct model *model, const struct record *record)
{
	struct candidate *candidate;

	if (suspect->doubt_count == DOUBTS_MAX) {
		(void)fprintf(stderr, "more in doubt than this program can hold\n");
		exit(2);
	}
	switch ((enum operation)record->operation) {
	case OPERATION_FSYNC:
		return;
	case OPERATION_UNLINK:
		suspect->removal = true;
		model_apply(model, record);
		return;
	case OPERATION_CREATE:
		model_apply(model, record);
		(void)candidate_add(suspect, record->name);
		return;
	case OPERATION_REPLACE: /* what was renamed over the old had been synced */
		model_apply(model, record);
		candidate = candidate_add(suspect, record->name);
		candidate->durable = true;
		candidate->size = record->size;
		candidate->bytes = malloc((size_t)record->size);
		pattern_fill(candidate->bytes, record->seed, 0, record->size);
		return;
	case OPERATION_WRITE:
	case OPERATION_TRUNCATE:
		doubt_add(suspect, model, record);
		return;
	}
}

/* Which of the records certainly took effect. */
static uint64_t base_end(const struct checker *checker, unsigned lane, unsigned slot, uint64_t acked)
{
	const struct record *records = checker->journal->lanes[lane].records;

	if (!checker->options->power)
		return acked;
	while (acked > 0 &&
	       !(records[acked - 1].slot == slot && records[acked - 1].operation == OPERATION_FSYNC))
		acked--;
	return acked;
}

static void suspect_read(struct checker *checker, unsigned lane, unsigned slot)
{
	struct suspect *suspect = &checker->suspect;
	const struct lane *of = &checker->journal->lanes[lane];
	uint64_t certain = base_end(checker, lane, slot, checker->options->low.acked[lane]);
	struct model base = {.bytes = suspect->base.bytes};
	struct model model = {.bytes = malloc(CONTENT_MAX)};

	for (size_t i = 0; i < suspect->candidate_count; i++)
		free(suspect->candidates[i].bytes);
	suspect->doubt_count = suspect->candidate_count = 0;
	suspect->removal = false;
	suspect->lane = lane;
	suspect->slot = slot;
	for (uint64_t i = 0; i < certain; i++)
		if (of->records[i].slot == slot)
			model_apply(&base, &of->records[i]);
	if (base.exists) {
		struct candidate *candidate = candidate_add(suspect, base.name);

		candidate->durable = true;
		candidate->size = base.size;
		candidate->bytes = malloc((size_t)base.size + 1);
		memcpy(candidate->bytes, base.bytes, (size_t)base.size);
	}
	suspect->base = base;
	memcpy(model.bytes, base.bytes, CONTENT_MAX);
	model.exists = base.exists;
	model.name = base.name;
	model.size = base.size;
	for (uint64_t i = certain; i < checker->options->high.begun[lane]; i++)
		if (of->records[i].slot == slot)
			suspect_doubt(suspect, &model, &of->records[i]);
	if (suspect->candidate_count > 0)
		suspect->candidates[suspect->candidate_count - 1].end = suspect->doubt_count;
	free(model.bytes);
}

/* -- what is ---------------------------------------------------------------------------------- */

/* False: there is none, or it cannot be read (*ret_error). */
static bool found_read(struct checker *checker, const char *place, int *ret_error)
{
	struct found *found = &checker->found;
	int fd = openat(checker->directory, place, O_RDONLY | O_CLOEXEC);
	struct stat stat;

	*ret_error = errno;
	if (fd < 0)
		return false;
	found->torn_count = 0;
	memset(found->torn, 0, sizeof(found->torn));
	if (fstat(fd, &stat) || stat.st_size > CONTENT_MAX) {
		*ret_error = EFBIG;
		(void)close(fd);
		return false;
	}
	found->size = stat.st_size;
	for (int64_t at = 0; at < found->size; at += BLOCK) {
		int64_t size = found->size - at < BLOCK ? found->size - at : BLOCK;

		if (pread(fd, found->bytes + at, (size_t)size, at) == size)
			continue;
		found->torn[at / BLOCK] = true;
		found->torn_count++;
	}
	(void)close(fd);
	return true;
}

/* -- is it one that may be? ------------------------------------------------------------------------ */

static bool is_touched(const struct suspect *suspect, const struct candidate *candidate, int64_t from, int64_t to)
{
	for (size_t i = candidate->first; i < candidate->end; i++)
		if (suspect->doubts[i].from < to && suspect->doubts[i].to > from)
			return true;
	return false;
}

/* May the byte be there, as something else than the candidate's own? */
static bool may_be(const struct suspect *suspect, const struct candidate *candidate, int64_t at, uint8_t byte)
{
	int64_t least = candidate->size;

	for (size_t i = candidate->first; i < candidate->end; i++) {
		const struct doubt *doubt = &suspect->doubts[i];
		const struct record *record = doubt->record;

		least = doubt->new_size < least ? doubt->new_size : least;
		if (record->operation == OPERATION_WRITE && at >= record->offset &&
		    at < record->offset + record->size && pattern_byte(record->seed, at) == byte)
			return true;
	}
	return byte == 0 && at >= least; /* a gap */
}

/* -1: yes. Else the first byte that cannot be. */
static int64_t unexplained(const struct suspect *suspect, const struct candidate *candidate,
			   const struct found *found)
{
	int64_t least = candidate->size, most = candidate->size;

	for (size_t i = candidate->first; i < candidate->end; i++) {
		least = suspect->doubts[i].new_size < least ? suspect->doubts[i].new_size : least;
		most = suspect->doubts[i].new_size > most ? suspect->doubts[i].new_size : most;
	}
	if (found->size < least || found->size > most)
		return found->size;
	for (int64_t at = 0; at < found->size; at++) {
		if (at % BLOCK == 0 && found->torn[at / BLOCK]) {
			if (candidate->durable && !is_touched(suspect, candidate, at, at + BLOCK))
				return at;
			at += BLOCK - 1;
			continue;
		}
		if (at < candidate->size && found->bytes[at] == candidate->bytes[at])
			continue;
		if (!may_be(suspect, candidate, at, found->bytes[at]))
			return at;
	}
	return -1;
}

static void check_found(struct checker *checker, const char *place, uint64_t name)
{
	const struct suspect *suspect = &checker->suspect;
	int64_t first = -2;

	checker->files++;
	checker->bytes += (uint64_t)checker->found.size;
	checker->torn += checker->found.torn_count;
	for (size_t i = 0; i < suspect->candidate_count; i++) {
		int64_t at;

		if (suspect->candidates[i].name != name)
			continue;
		at = unexplained(suspect, &suspect->candidates[i], &checker->found);
		if (at == -1)
			break;
		first = at > first ? at : first;
		if (i + 1 == suspect->candidate_count)
			problem(checker, place, "what is read, or the size, was never written there", first);
	}
	if (checker->found.torn_count > 0 && !checker->options->power)
		problem(checker, place, "blocks that give an error", (long long)checker->found.torn_count);
}

/* One name. `must`: it is there for certain; `may`: something in doubt could have made it. */
static void check_name(struct checker *checker, uint64_t name)
{
	const struct suspect *suspect = &checker->suspect;
	bool may = false, durable = false, new_one = false;
	char place[PLACE_SIZE];
	int error = 0;

	slot_place(suspect->lane, suspect->slot, name, "", place);
	for (size_t i = 0; i < suspect->candidate_count; i++) {
		may = may || suspect->candidates[i].name == name;
		new_one = new_one || (suspect->candidates[i].name == name && !suspect->candidates[i].durable);
	}
	durable = suspect->base.exists && suspect->base.name == name;
	if ((suspect->doubt_count || suspect->candidate_count > 1 || suspect->removal) && checker->flux)
		(void)fprintf(checker->flux, "%s\n", place);
	if (found_read(checker, place, &error)) {
		if (!may)
			problem(checker, place, "is there, and should not be", 0);
		else
			check_found(checker, place, name);
	} else if (error != ENOENT && !(checker->options->power && new_one)) {
		problem(checker, place, strerror(error), error);
	} else if (durable && !suspect->removal) {
		problem(checker, place, "is missing", 0);
	}
}

static void check_slot(struct checker *checker, unsigned lane, unsigned slot)
{
	struct suspect *suspect = &checker->suspect;

	suspect_read(checker, lane, slot);
	checker->in_doubt += suspect->doubt_count;
	if (!slot_has_directory(slot) && suspect->candidate_count == 0)
		check_name(checker, 0);
	for (size_t i = 0; i < suspect->candidate_count; i++) {
		bool again = false;

		for (size_t j = 0; j < i; j++)
			again = again || suspect->candidates[j].name == suspect->candidates[i].name;
		if (!again)
			check_name(checker, suspect->candidates[i].name);
	}
}

/* -- no other names ----------------------------------------------------------------------------- */

static bool is_explained(struct checker *checker, unsigned lane, const char *entry)
{
	const struct lane *of = &checker->journal->lanes[lane];
	uint64_t acked = checker->options->low.acked[lane], begun = checker->options->high.begun[lane];
	char place[PLACE_SIZE];

	for (unsigned slot = 0; slot < SLOTS; slot++) {
		struct model model = {.bytes = checker->found.bytes};

		for (uint64_t i = 0; i < begun; i++) {
			bool in_doubt = i >= acked;

			if (of->records[i].slot != slot)
				continue;
			if (!in_doubt)
				model_apply(&model, &of->records[i]);
			slot_place(lane, slot, of->records[i].name,
				   of->records[i].operation == OPERATION_REPLACE ? ".new" : "", place);
			if (slot_has_directory(slot))
				*strrchr(place, '/') = '\0';
			if (in_doubt && !strcmp(strchr(place, '/') + 1, entry))
				return true;
		}
		slot_place(lane, slot, model.name, "", place);
		if (slot_has_directory(slot))
			*strrchr(place, '/') = '\0';
		if (model.exists && !strcmp(strchr(place, '/') + 1, entry))
			return true;
	}
	return false;
}

static void check_listing(struct checker *checker, unsigned lane)
{
	char place[PLACE_SIZE];
	struct dirent *entry;
	struct stat stat;
	DIR *directory;
	int fd;

	(void)snprintf(place, sizeof(place), "lane-%u", lane);
	fd = openat(checker->directory, place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	directory = fd < 0 ? NULL : fdopendir(fd);
	if (!directory) {
		problem(checker, place, "cannot be listed", errno);
		return;
	}
	errno = 0;
	while ((entry = readdir(directory))) {
		if (entry->d_name[0] == '.')
			continue;
		if (fstatat(fd, entry->d_name, &stat, AT_SYMLINK_NOFOLLOW))
			problem(checker, entry->d_name, strerror(errno), errno);
		else if (!checker->options->power && !is_explained(checker, lane, entry->d_name))
			problem(checker, entry->d_name, "is listed, and was never made or has been removed", 0);
		errno = 0;
	}
	if (errno)
		problem(checker, place, "the listing ends with an error", errno);
	(void)closedir(directory);
}

int oracle_check(struct journal *journal, const struct check_options *options)
{
	static struct checker checker;

	checker.journal = journal;
	checker.options = options;
	checker.flux = options->flux ? fopen(options->flux, "we") : NULL;
	checker.directory = open(options->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	checker.suspect.base.bytes = calloc(1, CONTENT_MAX);
	if (checker.directory < 0 || !checker.suspect.base.bytes || (options->flux && !checker.flux)) {
		perror(options->directory);
		return 2;
	}
	for (unsigned lane = 0; lane < LANES; lane++) {
		for (unsigned slot = 0; slot < SLOTS; slot++)
			check_slot(&checker, lane, slot);
		check_listing(&checker, lane);
	}
	if (checker.flux)
		(void)fclose(checker.flux);
	(void)printf("%llu files, %llu bytes, %llu changes in doubt, %llu torn, %u problems\n",
		     (unsigned long long)checker.files, (unsigned long long)checker.bytes,
		     (unsigned long long)checker.in_doubt, (unsigned long long)checker.torn, checker.problems);
	return checker.problems ? 1 : 0;
}
