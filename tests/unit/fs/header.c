#include <sodium.h>
#include <string.h>

#include "base/bytes.h"
#include "fs/header.h"
#include "keys/kdf.h"
#include "tests/lib/unit.h"

static const uint8_t header_key[KEY_SIZE] = {'h', 'e', 'a', 'd'};
static const uint8_t other_key[KEY_SIZE] = {'o', 't', 'h', 'e', 'r'};
static const struct folder_id folder = {{'f', 'o', 'l', 'd', 'e', 'r'}};
static const enum suite suites[] = {SUITE_XAES_256_GCM, SUITE_XCHACHA20_POLY1305};
static const unsigned all_flags[] = {0, HEADER_SPARSE, HEADER_MIXED, HEADER_SPARSE | HEADER_MIXED};

static void make(struct header *header, enum suite suite, unsigned flags)
{
	header_new(header, suite, BLOCK_LOG2_DEFAULT, &folder, 3);
	header->flags = flags & HEADER_SPARSE;
	if (flags & HEADER_MIXED)
		header_turn_mixed(header, 5);
}

static void assert_same(const struct header *one, const struct header *other)
{
	assert_int_equal(one->suite, other->suite);
	assert_int_equal(one->block_log2, other->block_log2);
	assert_int_equal(one->flags, other->flags);
	assert_int_equal(one->generation, other->generation);
	assert_int_equal(one->seed_generation, other->seed_generation);
	assert_true(folder_id_equal(&one->folder, &other->folder));
	assert_true(file_id_equal(&one->file, &other->file));
	assert_memory_equal(one->seed, other->seed, SEED_SIZE);
	assert_true(file_id_equal(&one->old_file, &other->old_file));
	assert_memory_equal(one->old_seed, other->old_seed, SEED_SIZE);
}

static void assert_untouched(const struct header *header)
{
	const uint8_t *bytes = (const uint8_t *)header;

	for (size_t i = 0; i < sizeof *header; i++)
		assert_int_equal(bytes[i], 0xaa);
}

static void assert_refused(const uint8_t *in, const uint8_t *key)
{
	struct header back;

	memset(&back, 0xaa, sizeof back);
	assert_int_not_equal(header_open(in, key, &back, NULL), FAULT_NONE);
	assert_untouched(&back);
}

static void header__opens_what_it_sealed(void **state)
{
	(void)state;
	struct why why = WHY_NONE;

	for (size_t s = 0; s < 2; s++) {
		for (size_t f = 0; f < 4; f++) {
			struct header header, back;
			uint8_t hdr[HEADER_SIZE];
			make(&header, suites[s], all_flags[f]);
			header_seal(&header, header_key, hdr);
			assert_works(header_open(hdr, header_key, &back, &why));
			assert_same(&header, &back);
		}
	}
}

static void header__refuses_every_flipped_bit(void **state)
{
	(void)state;
	for (size_t s = 0; s < 2; s++) {
		for (size_t f = 0; f < 4; f++) {
			struct header header;
			uint8_t hdr[HEADER_SIZE];
			make(&header, suites[s], all_flags[f]);
			header_seal(&header, header_key, hdr);
			for (size_t bit = 0; bit < 8 * HEADER_SIZE; bit++) {
				hdr[bit / 8] ^= (uint8_t)(1u << bit % 8);
				assert_refused(hdr, header_key);
				hdr[bit / 8] ^= (uint8_t)(1u << bit % 8);
			}
		}
	}
}

static void header__refuses_another_key(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct header header, back;
	uint8_t hdr[HEADER_SIZE];

	make(&header, SUITE_XAES_256_GCM, 0);
	header_seal(&header, header_key, hdr);
	assert_fault(FAULT_REFUSED, header_open(hdr, other_key, &back, &why));
	assert_refused(hdr, other_key);
}

/* Whoever makes a seed field that opens under two keys still cannot make the commitment match both. */
static void header__refuses_a_commitment_of_another_header(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct header one, other, back;
	uint8_t hdr[HEADER_SIZE], donor[HEADER_SIZE];

	make(&one, SUITE_XAES_256_GCM, 0);
	make(&other, SUITE_XAES_256_GCM, 0);
	header_seal(&one, header_key, hdr);
	header_seal(&other, header_key, donor);
	memcpy(hdr + HEADER_OFF_COMMIT, donor + HEADER_OFF_COMMIT, KEY_SIZE);
	assert_fault(FAULT_REFUSED, header_open(hdr, header_key, &back, &why));
	assert_string_equal(why.text, "the header is not of this folder and generation");
}

static void header__refuses_fields_of_another_header(void **state)
{
	(void)state;
	static const struct {
		size_t at, size;
	} fields[] = {
		{HEADER_OFF_FOLDER, ID_SIZE},
		{HEADER_OFF_FILE_ID, ID_SIZE},
		{HEADER_OFF_COMMIT, KEY_SIZE},
		{HEADER_OFF_SEED, SEED_SIZE + TAG_SIZE},
		{HEADER_OFF_OLD, HEADER_SIZE - HEADER_OFF_OLD},
	};
	struct header one, other;
	uint8_t hdr[HEADER_SIZE], donor[HEADER_SIZE], mixture[HEADER_SIZE];

	make(&one, SUITE_XAES_256_GCM, HEADER_MIXED);
	make(&other, SUITE_XAES_256_GCM, HEADER_MIXED);
	other.folder.bytes[0] ^= 1;
	header_seal(&one, header_key, hdr);
	header_seal(&other, header_key, donor);
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		memcpy(mixture, hdr, HEADER_SIZE);
		memcpy(mixture + fields[i].at, donor + fields[i].at, fields[i].size);
		assert_refused(mixture, header_key);
	}
}

/* A server cannot take the MIXED flag away, not even with a zeroed field, nor set it. */
static void header__refuses_a_changed_mixed_flag(void **state)
{
	(void)state;
	struct header header;
	uint8_t hdr[HEADER_SIZE];

	make(&header, SUITE_XAES_256_GCM, HEADER_MIXED);
	header_seal(&header, header_key, hdr);
	hdr[HEADER_OFF_FLAGS] = 0;
	memset(hdr + HEADER_OFF_OLD, 0, HEADER_SIZE - HEADER_OFF_OLD);
	assert_refused(hdr, header_key);
	make(&header, SUITE_XAES_256_GCM, 0);
	header_seal(&header, header_key, hdr);
	hdr[HEADER_OFF_FLAGS] = HEADER_MIXED;
	assert_refused(hdr, header_key);
}

static void set_byte(uint8_t *hdr, size_t at, uint8_t value)
{
	struct header header;

	make(&header, SUITE_XAES_256_GCM, 0);
	header_seal(&header, header_key, hdr);
	hdr[at] = value;
}

static void header__calls_impossible_fields_malformed(void **state)
{
	(void)state;
	static const struct {
		size_t at;
		uint8_t value;
	} rows[] = {
	    {HEADER_OFF_MAGIC, 'G'},	     {HEADER_OFF_MAGIC + 3, '2'},     {HEADER_OFF_VERSION, 0},
	    {HEADER_OFF_VERSION, 2},	     {HEADER_OFF_SUITE, 0},	      {HEADER_OFF_SUITE, 3},
	    {HEADER_OFF_SUITE, 255},	     {HEADER_OFF_BLOCK_LOG2, 0},      {HEADER_OFF_BLOCK_LOG2, 11},
	    {HEADER_OFF_BLOCK_LOG2, 17},     {HEADER_OFF_BLOCK_LOG2, 255},    {HEADER_OFF_FLAGS, 4},
	    {HEADER_OFF_FLAGS, 0x81},	     {HEADER_OFF_GENERATION, 0},      {HEADER_OFF_GENERATION, 2},
	    {HEADER_OFF_SEED_GENERATION, 0}, {HEADER_OFF_SEED_GENERATION, 4}, {HEADER_OFF_OLD, 1},
	    {HEADER_SIZE - 1, 0x80},
	};
	struct why why = WHY_NONE;
	uint8_t hdr[HEADER_SIZE];

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct header back;
		memset(&back, 0xaa, sizeof back);
		set_byte(hdr, rows[i].at, rows[i].value);
		assert_fault(FAULT_MALFORMED, header_peek(hdr, &back, &why));
		assert_fault(FAULT_MALFORMED, header_open(hdr, header_key, &back, &why));
		assert_untouched(&back);
	}
}

static void header__of_zeros_or_noise_is_malformed(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct header back;
	uint8_t hdr[HEADER_SIZE] = {0};

	assert_fault(FAULT_MALFORMED, header_peek(hdr, &back, &why));
	memset(hdr, 0xff, sizeof hdr);
	assert_fault(FAULT_MALFORMED, header_peek(hdr, &back, &why));
}

static void header__shows_its_public_part_without_a_key(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct header header, seen;
	uint8_t hdr[HEADER_SIZE];

	make(&header, SUITE_XCHACHA20_POLY1305, HEADER_SPARSE | HEADER_MIXED);
	header_seal(&header, header_key, hdr);
	assert_works(header_peek(hdr, &seen, &why));
	sodium_memzero(header.seed, SEED_SIZE);
	sodium_memzero(header.old_seed, SEED_SIZE);
	header.old_file = (struct file_id){{0}};
	assert_same(&header, &seen);
}

/* docs/FORMAT.md, "A file", byte by byte. */
static void header__lies_as_the_format_says(void **state)
{
	(void)state;
	struct header header;
	uint8_t hdr[HEADER_SIZE], key_bytes[KEY_SIZE], sealed[SEED_SIZE + TAG_SIZE];
	AUTO(cipher_key_wipe) struct cipher_key key;

	make(&header, SUITE_XAES_256_GCM, 0);
	header.flags = HEADER_SPARSE;
	header.seed_generation = 2;
	header_seal(&header, header_key, hdr);
	assert_memory_equal(hdr, "FSE1\1\1\14\1", 8);
	assert_memory_equal(hdr + 8, folder.bytes, 16);
	assert_memory_equal(hdr + 24, "\3\0\0\0\2\0\0\0", 8);
	assert_memory_equal(hdr + 32, header.file.bytes, 16);
	kdf(key_bytes, KEY_SIZE, header_key, KDF_HEADER_COMMIT, hdr, 48);
	assert_memory_equal(hdr + 48, key_bytes, 32);
	kdf(key_bytes, KEY_SIZE, header_key, KDF_HEADER_WRAP, hdr, 48);
	cipher_key_init(&key, SUITE_XAES_256_GCM, key_bytes);
	cipher_seal_once(&key, hdr, 80, header.seed, SEED_SIZE, sealed);
	assert_memory_equal(hdr + 80, sealed, 48);
	assert_true(sodium_is_zero(hdr + 128, 64));
}

static void header__is_fresh_every_time(void **state)
{
	(void)state;
	struct header one, other;

	header_new(&one, SUITE_XAES_256_GCM, 16, &folder, 7);
	header_new(&other, SUITE_XAES_256_GCM, 16, &folder, 7);
	assert_false(file_id_equal(&one.file, &other.file));
	assert_memory_not_equal(one.seed, other.seed, SEED_SIZE);
	assert_int_equal(one.generation, 7);
	assert_int_equal(one.seed_generation, 7);
	assert_int_equal(one.flags, 0);
}

static void header__turned_mixed_keeps_the_old_pair(void **state)
{
	(void)state;
	struct header header, before;
	AUTO(cipher_key_wipe) struct cipher_key content, old_content, new_content;

	make(&header, SUITE_XAES_256_GCM, HEADER_SPARSE);
	before = header;
	header_turn_mixed(&header, 9);
	assert_int_equal(header.flags, HEADER_SPARSE | HEADER_MIXED);
	assert_int_equal(header.generation, 9);
	assert_int_equal(header.seed_generation, 9);
	assert_true(file_id_equal(&header.old_file, &before.file));
	assert_memory_equal(header.old_seed, before.seed, SEED_SIZE);
	assert_false(file_id_equal(&header.file, &before.file));
	assert_memory_not_equal(header.seed, before.seed, SEED_SIZE);
	header_content_key(&before, &content);
	header_old_content_key(&header, &old_content);
	header_content_key(&header, &new_content);
	assert_memory_equal(content.key, old_content.key, KEY_SIZE);
	assert_memory_not_equal(content.key, new_content.key, KEY_SIZE);
}

static void header__content_key_depends_on_seed_and_file(void **state)
{
	(void)state;
	struct header header;
	uint8_t expected[KEY_SIZE];
	AUTO(cipher_key_wipe) struct cipher_key key, other;

	make(&header, SUITE_XCHACHA20_POLY1305, 0);
	header_content_key(&header, &key);
	kdf(expected, KEY_SIZE, header.seed, KDF_BLOCKS, header.file.bytes, ID_SIZE);
	assert_memory_equal(key.key, expected, KEY_SIZE);
	assert_int_equal(key.suite, SUITE_XCHACHA20_POLY1305);
	header.file.bytes[0] ^= 1;
	header_content_key(&header, &other);
	assert_memory_not_equal(key.key, other.key, KEY_SIZE);
}

/* A re-wrap for a new generation: new keys around the same seed. */
static void header__rewrapped_opens_under_the_new_key_only(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct header header, back;
	uint8_t hdr[HEADER_SIZE];

	make(&header, SUITE_XAES_256_GCM, 0);
	header.generation = 4;
	header_seal(&header, other_key, hdr);
	assert_fault(FAULT_REFUSED, header_open(hdr, header_key, &back, &why));
	assert_works(header_open(hdr, other_key, &back, &why));
	assert_int_equal(back.seed_generation, 3);
	assert_memory_equal(back.seed, header.seed, SEED_SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header__opens_what_it_sealed),
		cmocka_unit_test(header__refuses_every_flipped_bit),
		cmocka_unit_test(header__refuses_another_key),
		cmocka_unit_test(header__refuses_a_commitment_of_another_header),
		cmocka_unit_test(header__refuses_fields_of_another_header),
		cmocka_unit_test(header__refuses_a_changed_mixed_flag),
		cmocka_unit_test(header__calls_impossible_fields_malformed),
		cmocka_unit_test(header__of_zeros_or_noise_is_malformed),
		cmocka_unit_test(header__shows_its_public_part_without_a_key),
		cmocka_unit_test(header__lies_as_the_format_says),
		cmocka_unit_test(header__is_fresh_every_time),
		cmocka_unit_test(header__turned_mixed_keeps_the_old_pair),
		cmocka_unit_test(header__content_key_depends_on_seed_and_file),
		cmocka_unit_test(header__rewrapped_opens_under_the_new_key_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
