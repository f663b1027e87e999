#include "server/nonce.h"

#include <assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"

/* Times that are good lie in 2 * REQUEST_CLOCK_MS; cut into spans, that touches one more than fit into it. */
#define SPANS (2 * REQUEST_CLOCK_MS / NONCE_SPAN_MS + 2)
#define ROOM_LEAST ((size_t)1024)
#define ROW_SIZE 16
#define BOOT_ID_SIZE 36
#define MAGIC "fsenc-nonces-1\n"

/* A set of numbers: open addressing, at most three quarters full; 0 is an empty place. */
struct span {
	int64_t number; /* time_ms / NONCE_SPAN_MS */
	uint64_t *places;
	size_t room, count;
};

/* What the file begins with. */
struct file_head {
	char magic[16];
	char boot_id[BOOT_ID_SIZE + 4];
	uint8_t key[crypto_shorthash_KEYBYTES];
	uint8_t rest[8];
};
_Static_assert(sizeof(struct file_head) == 80, "rows begin at a multiple of their size");

struct nonces {
	pthread_mutex_t lock;
	struct span spans[SPANS];
	int64_t since_ms; /* what is older is refused */
	uint8_t key[crypto_shorthash_KEYBYTES];
	int fd; /* or -1 */
	uint64_t rows; /* written, ever */
};

/* -- sets ------------------------------------------------------------------------------------- */

static size_t place_of(const struct span *span, uint64_t value)
{
	size_t at = value & (span->room - 1);

	while (span->places[at] && span->places[at] != value)
		at = (at + 1) & (span->room - 1);
	return at;
}

static bool span_has(const struct span *span, uint64_t value)
{
	return span->room && span->places[place_of(span, value)] == value;
}

/* Pages of their own, given back at the end of a span. By malloc() each thread that makes a span grow leaves
 * the tables before it in an arena of that thread's, and a busy server grows for hours. Zeros; NULL: no
 * memory. */
static uint64_t *places_new(size_t room)
{
	void *places = mmap(NULL, room * sizeof(uint64_t), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return places == MAP_FAILED ? NULL : places;
}

static void places_free(uint64_t *places, size_t room)
{
	if (places)
		(void)munmap(places, room * sizeof *places);
}

static bool span_grow(struct span *span)
{
	struct span larger = {.number = span->number,
			      .count = span->count,
			      .room = span->room ? 2 * span->room : ROOM_LEAST};

	larger.places = places_new(larger.room);
	if (!larger.places)
		return false;
	for (size_t i = 0; i < span->room; i++)
		if (span->places[i])
			larger.places[place_of(&larger, span->places[i])] = span->places[i];
	places_free(span->places, span->room);
	*span = larger;
	return true;
}

static bool span_add(struct span *span, uint64_t value)
{
	if (span->count >= NONCES_MAX || (4 * (span->count + 1) > 3 * span->room && !span_grow(span)))
		return false;
	span->places[place_of(span, value)] = value;
	span->count++;
	return true;
}

static void span_clear(struct span *span, int64_t number)
{
	places_free(span->places, span->room);
	*span = (struct span){.number = number};
}

/* Those in which no time is good any more. */
static void drop_past(struct nonces *nonces, int64_t now_ms)
{
	const int64_t first = (now_ms - REQUEST_CLOCK_MS) / NONCE_SPAN_MS;

	for (size_t i = 0; i < SPANS; i++)
		if (nonces->spans[i].places && nonces->spans[i].number < first)
			span_clear(&nonces->spans[i], nonces->spans[i].number);
}

/* The span of a time that is good now; one that stood in its place is past. */
static struct span *span_of(struct nonces *nonces, int64_t time_ms)
{
	const int64_t number = time_ms / NONCE_SPAN_MS;
	struct span *span = &nonces->spans[number % SPANS];

	if (span->number != number)
		span_clear(span, number);
	return span;
}

/* -- the file ------------------------------------------------------------------------------------ */

static void read_boot_id(char boot_id[static BOOT_ID_SIZE + 4])
{
	size_t size = 0;

	memset(boot_id, 0, BOOT_ID_SIZE + 4);
	AUTO(file_close) int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || file_pread(fd, boot_id, BOOT_ID_SIZE, 0, &size, NULL) || size != BOOT_ID_SIZE)
		randombytes_buf(boot_id, BOOT_ID_SIZE);
}

static bool read_head(int fd, struct file_head *ret_head)
{
	char boot_id[BOOT_ID_SIZE + 4];
	size_t size = 0;

	read_boot_id(boot_id);
	return file_pread(fd, ret_head, sizeof *ret_head, 0, &size, NULL) == FAULT_NONE &&
	       size == sizeof *ret_head && memcmp(ret_head->magic, MAGIC, sizeof MAGIC) == 0 &&
	       memcmp(ret_head->boot_id, boot_id, sizeof boot_id) == 0;
}

static void append_row(struct nonces *nonces, int64_t time_ms, uint64_t value)
{
	uint8_t row[ROW_SIZE];
	off_t offset = (off_t)(sizeof(struct file_head) + nonces->rows % NONCE_FILE_MAX * ROW_SIZE);

	if (nonces->fd < 0)
		return;
	le64_put(row, (uint64_t)time_ms);
	le64_put(row + 8, value);
	nonces->rows++;
	if (file_pwrite(nonces->fd, row, sizeof row, offset, NULL, NULL)) {
		log_warning(
			"the file of nonces cannot be written: after a crash of this server, requests from "
			"before it would be refused");
		(void)!ftruncate(nonces->fd, 0);
		file_close(nonces->fd);
		nonces->fd = -1;
	}
}

static bool is_live(int64_t time_ms, int64_t now_ms)
{
	return time_ms >= now_ms - REQUEST_CLOCK_MS && time_ms <= now_ms + REQUEST_CLOCK_MS;
}

/* The next row goes to the end, or into a full ring over the oldest. */
struct reading {
	uint64_t rows, oldest;
	int64_t oldest_ms;
};

static bool read_row(struct nonces *nonces, struct reading *reading, const uint8_t row[static ROW_SIZE],
		     int64_t now_ms)
{
	const int64_t time_ms = (int64_t)le64_get(row);
	const uint64_t value = le64_get(row + 8);

	if (time_ms < reading->oldest_ms) {
		reading->oldest_ms = time_ms;
		reading->oldest = reading->rows;
	}
	reading->rows++;
	if (!is_live(time_ms, now_ms) || !value || span_has(span_of(nonces, time_ms), value))
		return true;
	return span_add(span_of(nonces, time_ms), value);
}

static enum fault read_rows(struct nonces *nonces, int64_t now_ms, struct why *why)
{
	struct reading reading = {.oldest_ms = INT64_MAX};
	uint8_t rows[ROW_SIZE * 1024];
	off_t offset = sizeof(struct file_head);
	size_t size;

	do {
		enum fault fault = file_pread(nonces->fd, rows, sizeof rows, offset, &size, why);
		if (fault)
			return fault;
		for (size_t at = 0; at + ROW_SIZE <= size; at += ROW_SIZE)
			if (!read_row(nonces, &reading, rows + at, now_ms))
				return why_set(why, FAULT_MEMORY, "no memory for nonces");
		offset += (off_t)size;
	} while (size == sizeof rows);
	nonces->rows = reading.rows < NONCE_FILE_MAX ? reading.rows : reading.oldest;
	return FAULT_NONE;
}

static enum fault begin_file(struct nonces *nonces, int64_t now_ms, struct why *why)
{
	struct file_head head = {.magic = MAGIC};

	read_boot_id(head.boot_id);
	memcpy(head.key, nonces->key, sizeof head.key);
	nonces->since_ms = now_ms;
	if (ftruncate(nonces->fd, 0) != 0)
		return why_system(why, "cannot empty '" NONCE_FILE "'");
	return file_pwrite(nonces->fd, &head, sizeof head, 0, NULL, why);
}

static enum fault open_file(struct nonces *nonces, int directory, int64_t now_ms, struct why *why)
{
	struct file_head head;

	nonces->fd = openat(directory, NONCE_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (nonces->fd < 0)
		return why_system(why, "cannot open '" NONCE_FILE "'");
	if (flock(nonces->fd, LOCK_EX | LOCK_NB) != 0)
		return why_set(why, FAULT_BUSY, "another server runs on this directory");
	if (!read_head(nonces->fd, &head))
		return begin_file(nonces, now_ms, why);
	memcpy(nonces->key, head.key, sizeof head.key);
	return read_rows(nonces, now_ms, why);
}

enum fault nonces_open(int directory, int64_t now_ms, struct nonces **ret_nonces, struct why *why)
{
	AUTO(nonces_close) struct nonces *nonces = calloc(1, sizeof *nonces);

	if (!nonces)
		return why_set(why, FAULT_MEMORY, "no memory for nonces");
	nonces->fd = -1;
	(void)pthread_mutex_init(&nonces->lock, NULL);
	randombytes_buf(nonces->key, sizeof nonces->key);
	enum fault fault = directory < 0 ? FAULT_NONE : open_file(nonces, directory, now_ms, why);
	if (fault)
		return fault;
	*ret_nonces = TAKE(nonces);
	return FAULT_NONE;
}

void nonces_close(struct nonces *nonces)
{
	if (!nonces)
		return;
	for (size_t i = 0; i < SPANS; i++)
		places_free(nonces->spans[i].places, nonces->spans[i].room);
	file_close(nonces->fd);
	(void)pthread_mutex_destroy(&nonces->lock);
	free(nonces);
}

/* -- asking -------------------------------------------------------------------------------------- */

/* A keyed hash, so that nobody can choose nonces that meet; 0 means empty. */
static uint64_t value_of(const struct nonces *nonces, const struct request_claim *claim)
{
	uint8_t text[DIGEST_SIZE + REQUEST_NONCE_SIZE], hash[crypto_shorthash_BYTES];

	memcpy(text, claim->fingerprint.bytes, DIGEST_SIZE);
	memcpy(text + DIGEST_SIZE, claim->nonce, REQUEST_NONCE_SIZE);
	(void)crypto_shorthash(hash, text, sizeof text, nonces->key);
	uint64_t value = le64_get(hash);
	return value ? value : 1;
}

static enum nonce_answer look(struct nonces *nonces, int64_t time_ms, uint64_t value, int64_t now_ms)
{
	assert(is_live(time_ms, now_ms));
	if (time_ms < nonces->since_ms)
		return NONCE_EARLY;
	return span_has(span_of(nonces, time_ms), value) ? NONCE_SEEN : NONCE_FRESH;
}

enum nonce_answer nonces_look(struct nonces *nonces, const struct request_claim *claim, int64_t now_ms)
{
	const uint64_t value = value_of(nonces, claim);

	(void)pthread_mutex_lock(&nonces->lock);
	enum nonce_answer answer = look(nonces, claim->time_ms, value, now_ms);
	(void)pthread_mutex_unlock(&nonces->lock);
	return answer;
}

enum nonce_answer nonces_take(struct nonces *nonces, const struct request_claim *claim, int64_t now_ms)
{
	const uint64_t value = value_of(nonces, claim);

	(void)pthread_mutex_lock(&nonces->lock);
	enum nonce_answer answer = look(nonces, claim->time_ms, value, now_ms);
	if (answer == NONCE_FRESH) {
		drop_past(nonces, now_ms);
		if (span_add(span_of(nonces, claim->time_ms), value))
			append_row(nonces, claim->time_ms, value);
		else
			answer = NONCE_FULL;
	}
	(void)pthread_mutex_unlock(&nonces->lock);
	return answer;
}

size_t nonces_count(struct nonces *nonces)
{
	size_t count = 0;

	(void)pthread_mutex_lock(&nonces->lock);
	for (size_t i = 0; i < SPANS; i++)
		count += nonces->spans[i].count;
	(void)pthread_mutex_unlock(&nonces->lock);
	return count;
}
