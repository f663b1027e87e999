#include <sodium.h>
#include <string.h>

#include "fs/seal.h"
#include "keys/folder_keys.h"
#include "tests/lib/unit.h"

#define GENERATIONS 3
#define CLEAN AUTO(bytes_done) struct bytes

static struct folder_keys *keys; /* of a folder in its third generation */
static struct folder_keys *keys_before; /* the same folder, when it had two */
static struct folder_keys *other_keys; /* another folder */

/* The keys of a folder that has had `count` generations, from a seed. */
static struct folder_keys *make_keys(char name, uint32_t count)
{
	struct record_generation generations[GENERATIONS] = {0};
	struct record record = {
	    .folder = {{(uint8_t)name}}, .generations = generations, .generation_count = count};
	struct folder_keys *made = NULL;
	uint8_t folder_key[KEY_SIZE] = {(uint8_t)name};
	uint8_t previous[KEY_SIZE];

	for (uint32_t g = 1; g <= count; g++) {
		struct record_generation *generation = &generations[g - 1];
		memcpy(previous, folder_key, KEY_SIZE);
		folder_key[1] = (uint8_t)g;
		generation->number = g;
		folder_key_commit(folder_key, &record.folder, g, generation->commit);
		if (g > 1)
			folder_key_seal_previous(folder_key, &record.folder, g, previous,
						 generation->previous);
	}
	return folder_keys_unfold(&record, folder_key, &made, NULL) ? NULL : made;
}

static int make_all(void **state)
{
	(void)state;
	if (sodium_init() < 0)
		return -1;
	keys = make_keys('a', GENERATIONS);
	keys_before = make_keys('a', GENERATIONS - 1);
	other_keys = make_keys('b', GENERATIONS);
	return keys && keys_before && other_keys ? 0 : -1;
}

static int free_all(void **state)
{
	(void)state;
	folder_keys_free(keys);
	folder_keys_free(keys_before);
	folder_keys_free(other_keys);
	return 0;
}

static void assert_xattr_refused(const struct folder_keys *with, const char *name, const struct bytes *sealed)
{
	struct why why = WHY_NONE;
	CLEAN back = BYTES_EMPTY;
	bool later = le32_get(sealed->data) > folder_keys_newest(with);

	assert_fault(later ? FAULT_LOCKED : FAULT_REFUSED,
		     seal_open_xattr(with, 1, name, sealed->data, sealed->size, &back, &why));
	assert_null(back.data);
}

static void xattr__comes_back_at_every_size(void **state)
{
	(void)state;
	static const size_t sizes[] = {0, 1, 16, 255, 4096, 65536 - SMALL_SEAL_OVERHEAD};
	static uint8_t value[65536];
	struct why why = WHY_NONE;
	CLEAN sealed = BYTES_EMPTY, back = BYTES_EMPTY;

	randombytes_buf(value, sizeof value);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		assert_works(seal_xattr(keys, "comment", value, sizes[i], &sealed, &why));
		assert_int_equal(sealed.size, sizes[i] + SMALL_SEAL_OVERHEAD);
		assert_works(seal_open_xattr(keys, 1, "comment", sealed.data, sealed.size, &back, &why));
		assert_int_equal(back.size, sizes[i]);
		assert_memory_equal(back.data, value, sizes[i]);
		assert_int_equal(back.data[back.size], 0);
	}
}

static void xattr__lies_as_the_format_says(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	CLEAN sealed = BYTES_EMPTY;
	struct wiped_key key;
	uint8_t plain[5];

	assert_works(seal_xattr(keys, "comment", "value", 5, &sealed, &why));
	assert_memory_equal(sealed.data, "\3\0\0\0", 4);
	assert_true(folder_keys_subkey(keys, 3, KDF_XATTR, &key));
	assert_int_equal(crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, sealed.data + 28,
								    5 + 16, (const uint8_t *)"comment", 7,
								    sealed.data + 4, key.bytes),
			 0);
	assert_memory_equal(plain, "value", 5);
}

static void xattr__refuses_every_flipped_bit(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	CLEAN sealed = BYTES_EMPTY;

	assert_works(seal_xattr(keys, "comment", "value", 5, &sealed, &why));
	for (size_t bit = 0; bit < 8 * sealed.size; bit++) {
		sealed.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_xattr_refused(keys, "comment", &sealed);
		sealed.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void xattr__refuses_every_cut(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	CLEAN sealed = BYTES_EMPTY, back = BYTES_EMPTY;

	assert_works(seal_xattr(keys, "comment", "value", 5, &sealed, &why));
	for (size_t size = 0; size < sealed.size; size++)
		assert_fault(size < SMALL_SEAL_OVERHEAD ? FAULT_MALFORMED : FAULT_REFUSED,
			     seal_open_xattr(keys, 1, "comment", sealed.data, size, &back, &why));
	assert_null(back.data);
}

static void xattr__refuses_another_name_and_another_folder(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	CLEAN sealed = BYTES_EMPTY;

	assert_works(seal_xattr(keys, "comment", "value", 5, &sealed, &why));
	assert_xattr_refused(keys, "commens", &sealed);
	assert_xattr_refused(keys, "comment2", &sealed);
	assert_xattr_refused(other_keys, "comment", &sealed);
}

static void xattr__of_an_older_generation_opens_down_to_min_read(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	CLEAN sealed = BYTES_EMPTY, back = BYTES_EMPTY;

	assert_works(seal_xattr(keys_before, "comment", "value", 5, &sealed, &why));
	assert_works(seal_open_xattr(keys, 2, "comment", sealed.data, sealed.size, &back, &why));
	assert_memory_equal(back.data, "value", 5);
	assert_fault(FAULT_REFUSED,
		     seal_open_xattr(keys, 3, "comment", sealed.data, sealed.size, &back, &why));
	assert_works(seal_xattr(keys, "comment", "value", 5, &sealed, &why));
	assert_fault(FAULT_LOCKED,
		     seal_open_xattr(keys_before, 1, "comment", sealed.data, sealed.size, &back, &why));
}

static void xattr__sealed_twice_looks_different(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	CLEAN one = BYTES_EMPTY, other = BYTES_EMPTY;

	assert_works(seal_xattr(keys, "comment", "value", 5, &one, &why));
	assert_works(seal_xattr(keys, "comment", "value", 5, &other, &why));
	assert_memory_not_equal(one.data, other.data, one.size);
}

/* -- Link targets -- */

static void symlink__comes_back_at_every_length(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	char target[SYMLINK_TARGET_MAX + 1];

	memset(target, 't', sizeof target);
	for (size_t length = 1; length <= SYMLINK_TARGET_MAX; length += length < 70 ? 1 : 29) {
		CLEAN text = BYTES_EMPTY, back = BYTES_EMPTY;
		target[length] = 0;
		assert_works(seal_symlink(keys, target, &text, &why));
		assert_true(text.size <= 4095);
		assert_int_equal(seal_symlink_plain_size(text.size), length);
		assert_works(seal_open_symlink(keys, 1, (const char *)text.data, text.size, &back, &why));
		assert_string_equal(back.data, target);
		assert_int_equal(back.size, length);
		target[length] = 't';
	}
}

static void symlink__of_the_longest_target_fills_a_path(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	char target[SYMLINK_TARGET_MAX + 2] = {0};
	CLEAN text = BYTES_EMPTY;

	memset(target, 't', SYMLINK_TARGET_MAX);
	assert_works(seal_symlink(keys, target, &text, &why));
	assert_int_equal(text.size, 4095);
	target[SYMLINK_TARGET_MAX] = 't';
	assert_fault(FAULT_NAME_TOO_LONG, seal_symlink(keys, target, &text, &why));
	assert_int_equal(text.size, 4095);
}

static void symlink__needs_a_target(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	CLEAN text = BYTES_EMPTY;

	assert_fault(FAULT_MISSING, seal_symlink(keys, "", &text, &why));
	assert_int_equal(seal_symlink_plain_size(0), 0);
	assert_int_equal(seal_symlink_plain_size(59), 0);
}

static void symlink__refuses_every_changed_letter_and_every_cut(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	CLEAN text = BYTES_EMPTY, back = BYTES_EMPTY;

	assert_works(seal_symlink(keys, "../target", &text, &why));
	char *letters = (char *)text.data;
	for (size_t i = 0; i < text.size; i++) {
		char was = letters[i];
		for (const char *letter = "AZaz09-_=+/ \n"; *letter; letter++) {
			letters[i] = *letter;
			if (*letter != was)
				assert_int_not_equal(
				    seal_open_symlink(keys, 1, letters, text.size, &back, NULL), FAULT_NONE);
		}
		letters[i] = was;
		assert_int_not_equal(seal_open_symlink(keys, 1, letters, i, &back, NULL), FAULT_NONE);
	}
	assert_null(back.data);
	assert_works(seal_open_symlink(keys, 1, letters, text.size, &back, &why));
}

static void symlink__refuses_what_is_no_text_of_ours(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "/etc/passwd", "../plain", "AAAA", "=", "a"};
	struct why why = WHY_NONE;
	CLEAN back = BYTES_EMPTY;
	static char large[8192];

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_fault(FAULT_MALFORMED,
			     seal_open_symlink(keys, 1, bad[i], strlen(bad[i]), &back, &why));
	memset(large, 'A', sizeof large);
	assert_fault(FAULT_MALFORMED, seal_open_symlink(keys, 1, large, sizeof large, &back, &why));
}

/* A member can seal anything as a link target; a client must not hand a zero byte to the kernel. */
static void symlink__refuses_a_target_with_a_zero_byte(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct wiped_key key;
	uint8_t sealed[SMALL_SEAL_OVERHEAD + 3] = {3};
	char text[128];
	CLEAN back = BYTES_EMPTY;

	assert_true(folder_keys_subkey(keys, 3, KDF_SYMLINK, &key));
	for (size_t size = 0; size <= 3; size += 3) {
		(void)crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + 28, NULL, (const uint8_t *)"a\0b",
								 size, (const uint8_t *)"symlink", 7, NULL,
								 sealed + 4, key.bytes);
		text_base64(text, sealed, SMALL_SEAL_OVERHEAD + size);
		assert_fault(FAULT_MALFORMED, seal_open_symlink(keys, 1, text, strlen(text), &back, &why));
	}
}

static void symlink__keeps_folders_generations_and_kinds_apart(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	CLEAN text = BYTES_EMPTY, back = BYTES_EMPTY, xattr = BYTES_EMPTY;
	char xattr_text[128];

	assert_works(seal_symlink(keys_before, "target", &text, &why));
	const char *letters = (const char *)text.data;
	assert_works(seal_open_symlink(keys, 2, letters, text.size, &back, &why));
	assert_fault(FAULT_REFUSED, seal_open_symlink(keys, 3, letters, text.size, &back, &why));
	assert_fault(FAULT_REFUSED, seal_open_symlink(other_keys, 1, letters, text.size, &back, &why));
	assert_works(seal_xattr(keys, "symlink", "target", 6, &xattr, &why));
	text_base64(xattr_text, xattr.data, xattr.size);
	assert_fault(FAULT_REFUSED, seal_open_symlink(keys, 1, xattr_text, strlen(xattr_text), &back, &why));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(xattr__comes_back_at_every_size),
		cmocka_unit_test(xattr__lies_as_the_format_says),
		cmocka_unit_test(xattr__refuses_every_flipped_bit),
		cmocka_unit_test(xattr__refuses_every_cut),
		cmocka_unit_test(xattr__refuses_another_name_and_another_folder),
		cmocka_unit_test(xattr__of_an_older_generation_opens_down_to_min_read),
		cmocka_unit_test(xattr__sealed_twice_looks_different),
		cmocka_unit_test(symlink__comes_back_at_every_length),
		cmocka_unit_test(symlink__of_the_longest_target_fills_a_path),
		cmocka_unit_test(symlink__needs_a_target),
		cmocka_unit_test(symlink__refuses_every_changed_letter_and_every_cut),
		cmocka_unit_test(symlink__refuses_what_is_no_text_of_ours),
		cmocka_unit_test(symlink__refuses_a_target_with_a_zero_byte),
		cmocka_unit_test(symlink__keeps_folders_generations_and_kinds_apart),
	};
	return cmocka_run_group_tests(tests, make_all, free_all);
}
