#include <ctype.h>
#include <sodium.h>
#include <string.h>

#include "fs/cipher.h"
#include "fs/name.h"
#include "keys/kdf.h"
#include "tests/lib/unit.h"

static const uint8_t siv[64] = {'s', 'i', 'v'};
static const struct folder_id folder = {{'f'}};
static const struct folder_id other_folder = {{'g'}};
static struct name_key *key;

static int make_key(void **state)
{
	(void)state;
	return sodium_init() < 0 || name_key_new(siv, &folder, &key, NULL) ? -1 : 0;
}

static int free_key(void **state)
{
	(void)state;
	name_key_free(key);
	return 0;
}

/* Any bytes but zero and '/', not beginning with a dot. */
static void random_name(char *name, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		uint32_t byte = randombytes_uniform(256);
		name[i] = byte == 0 || byte == '/' || byte == '.' ? (char)0xff : (char)byte;
	}
	name[length] = 0;
}

/* What a look-up, and later a listing, does. */
static void assert_round_trip(const char *plain)
{
	struct why why = WHY_NONE;
	struct stored_name stored;
	char back[NAME_MAX_PLAIN + 1];

	assert_works(name_encode(key, plain, &stored, &why));
	const char *text = stored.is_long ? stored.long_text : stored.entry;
	assert_int_equal(name_classify(stored.entry), stored.is_long ? NAME_LONG_ENTRY : NAME_ENTRY);
	if (stored.is_long) {
		assert_int_equal(name_classify(stored.long_file), NAME_LONG_FILE);
		assert_true(name_long_matches(stored.entry, text, strlen(text)));
	}
	assert_true(strlen(stored.entry) <= NAME_MAX_STORED_SHORT);
	assert_works(name_decode(key, text, strlen(text), back, &why));
	assert_string_equal(plain, back);
}

static void name__comes_back_at_every_length(void **state)
{
	(void)state;
	char plain[NAME_MAX_PLAIN + 1];

	for (size_t length = 1; length <= NAME_MAX_PLAIN; length++) {
		for (int i = 0; i < 4; i++) {
			random_name(plain, length);
			assert_round_trip(plain);
		}
	}
}

static void name__comes_back_whatever_it_looks_like(void **state)
{
	(void)state;
	static const char *const names[] = {
	    "a",   "...", ".hidden", ".fsen", ".Fsenc",	  ".nfs0001",	   ".smb1",
	    "..a", " ",	  "-rf",     "\n",    "\xff\xfe", "\xc3\x9cg.odt", "\xe6\x97\xa5\xe6\x9c\xac",
	    "CON", "a:b", "a\\b",    "*",     "name.",
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		assert_round_trip(names[i]);
}

static void name__becomes_long_over_143_characters(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct stored_name stored;
	char plain[NAME_MAX_PLAIN + 1];

	random_name(plain, 73); /* 89 bytes of SIV, 143 letters */
	assert_works(name_encode(key, plain, &stored, &why));
	assert_false(stored.is_long);
	assert_int_equal(strlen(stored.entry), 143);
	random_name(plain, 74);
	assert_works(name_encode(key, plain, &stored, &why));
	assert_true(stored.is_long);
	assert_int_equal(strlen(stored.entry), 9 + 52);
	assert_int_equal(strncmp(stored.long_file, stored.entry, 61), 0);
	assert_string_equal(stored.long_file + 61, ".n");
}

static void name__is_the_same_each_time_and_differs_by_folder(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct stored_name one, same, other;
	char back[NAME_MAX_PLAIN + 1];
	AUTO(name_key_free) struct name_key *elsewhere = NULL;

	assert_works(name_key_new(siv, &other_folder, &elsewhere, &why));
	assert_works(name_encode(key, "name", &one, &why));
	assert_works(name_encode(key, "name", &same, &why));
	assert_works(name_encode(elsewhere, "name", &other, &why));
	assert_string_equal(one.entry, same.entry);
	assert_string_not_equal(one.entry, other.entry);
	assert_fault(FAULT_REFUSED, name_decode(elsewhere, one.entry, strlen(one.entry), back, &why));
}

static void name__is_stored_as_the_format_says(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct stored_name stored;
	uint8_t sealed[NAME_SIV_SIZE + 8];
	char text[64];

	cipher_siv_seal(siv, folder.bytes, ID_SIZE, (const uint8_t *)"Finance1", 8, sealed);
	text_base32(text, sealed, sizeof sealed);
	assert_works(name_encode(key, "Finance1", &stored, &why));
	assert_string_equal(stored.entry, text);
}

static void name__is_read_in_either_case(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct stored_name stored;
	char back[NAME_MAX_PLAIN + 1], plain[201];

	memset(plain, 'x', 200);
	plain[200] = 0;
	assert_works(name_encode(key, "Finance", &stored, &why));
	for (char *at = stored.entry; *at; at++)
		*at = (char)toupper((unsigned char)*at);
	assert_int_equal(name_classify(stored.entry), NAME_ENTRY);
	assert_works(name_decode(key, stored.entry, strlen(stored.entry), back, &why));
	assert_string_equal(back, "Finance");
	assert_works(name_encode(key, plain, &stored, &why));
	for (char *at = stored.entry; *at; at++)
		*at = (char)toupper((unsigned char)*at);
	assert_int_equal(name_classify(stored.entry), NAME_LONG_ENTRY);
	assert_true(name_long_matches(stored.entry, stored.long_text, strlen(stored.long_text)));
}

static void name__refuses_what_no_file_can_be_called(void **state)
{
	(void)state;
	static const struct {
		const char *plain;
		enum fault fault;
	} rows[] = {
		{"", FAULT_INVALID}, {".", FAULT_INVALID}, {"..", FAULT_INVALID}, {"a/b", FAULT_INVALID},
		{"/", FAULT_INVALID}, {".fsenc", FAULT_FORBIDDEN}, {".fsenc.log", FAULT_FORBIDDEN},
		{".fsenc-l-x", FAULT_FORBIDDEN}, {".fsencrypted", FAULT_FORBIDDEN},
	};
	struct why why = WHY_NONE;
	struct stored_name stored;
	char plain[NAME_MAX_PLAIN + 2];

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_fault(rows[i].fault, name_encode(key, rows[i].plain, &stored, &why));
	random_name(plain, NAME_MAX_PLAIN + 1);
	assert_fault(FAULT_NAME_TOO_LONG, name_encode(key, plain, &stored, &why));
}

/* Somebody with the name key, who is no friend, can seal anything. */
static enum fault decode_sealed(const char *plain, size_t length)
{
	uint8_t sealed[NAME_SIV_SIZE + 300];
	char text[600], back[NAME_MAX_PLAIN + 1] = "untouched";

	cipher_siv_seal(siv, folder.bytes, ID_SIZE, (const uint8_t *)plain, length, sealed);
	text_base32(text, sealed, NAME_SIV_SIZE + length);
	enum fault fault = name_decode(key, text, strlen(text), back, NULL);
	if (fault)
		assert_string_equal(back, "untouched");
	return fault;
}

static void name__refuses_to_show_what_no_file_can_be_called(void **state)
{
	(void)state;
	static const char *const bad[] = {".",	    "..",	  "a/b",    "/", "../../etc/passwd",
					  ".fsenc", ".fsenc.log", ".fsencx"};
	char too_long[257];

	memset(too_long, 'x', sizeof too_long);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(decode_sealed(bad[i], strlen(bad[i])), FAULT_MALFORMED);
	assert_int_equal(decode_sealed("a\0b", 3), FAULT_MALFORMED);
	assert_int_equal(decode_sealed("\0", 1), FAULT_MALFORMED);
	assert_int_equal(decode_sealed("ab\0", 3), FAULT_MALFORMED);
	assert_int_equal(decode_sealed(too_long, 256), FAULT_MALFORMED);
	assert_int_equal(decode_sealed(too_long, 255), FAULT_NONE);
}

static void name__refuses_every_changed_letter_and_every_cut(void **state)
{
	(void)state;
	struct stored_name stored;
	char back[NAME_MAX_PLAIN + 1];

	assert_int_equal(name_encode(key, "some name", &stored, NULL), FAULT_NONE);
	size_t length = strlen(stored.entry);
	for (size_t i = 0; i < length; i++) {
		char was = stored.entry[i];
		for (const char *letter = "0123456789abcdefghijklmnopqrstuvwxyz-_. ="; *letter; letter++) {
			stored.entry[i] = *letter;
			if (*letter != was)
				assert_int_not_equal(name_decode(key, stored.entry, length, back, NULL),
						     FAULT_NONE);
		}
		stored.entry[i] = was;
		assert_int_not_equal(name_decode(key, stored.entry, i, back, NULL), FAULT_NONE);
	}
	assert_int_equal(name_decode(key, stored.entry, length, back, NULL), FAULT_NONE);
}

static void name__classifies_directory_entries(void **state)
{
	(void)state;
#define HASH "0123456789abcdefghijklmnopqrstuv0123456789abcdefghi0"
	static const struct {
		const char *entry;
		enum name_kind kind;
	} rows[] = {
	    {".fsenc", NAME_OURS},
	    {".fsenc.log", NAME_OURS},
	    {".fsenc.bak", NAME_OURS},
	    {".fsenc-share", NAME_OURS},
	    {".fsenc-backup", NAME_OURS},
	    {".FSENC", NAME_OURS},
	    {".fsenc-l-", NAME_OURS},
	    {".fsenc-l-abc", NAME_OURS},
	    {".fsenc-l-" HASH, NAME_LONG_ENTRY},
	    {".fsenc-l-" HASH ".n", NAME_LONG_FILE},
	    {".fsenc-l-" HASH ".N", NAME_LONG_FILE},
	    {".fsenc-l-" HASH ".m", NAME_OURS},
	    {".fsenc-l-" HASH "0", NAME_OURS},
	    {".nfs000000000000001", NAME_LEFTOVER},
	    {".nfs", NAME_LEFTOVER},
	    {".smbdeleteAAA", NAME_LEFTOVER},
	    {".fsenc.new-0123456789abcdef", NAME_LEFTOVER},
	    {".fsenc.bak.new-0123456789abcdef", NAME_LEFTOVER},
	    {".fsenc-share.new-0123456789abcdef", NAME_LEFTOVER},
	    {".fsenc-l-" HASH ".n.new-0123456789abcdef", NAME_LEFTOVER},
	    {"readme.txt", NAME_FOREIGN},
	    {"data", NAME_FOREIGN},
	    {"", NAME_FOREIGN},
	    {".", NAME_FOREIGN},
	    {".hidden", NAME_FOREIGN},
	    {"000000000000000000000000000", NAME_FOREIGN},
	    {"0000000000000000000000000000", NAME_ENTRY},
	    {"00000000000000000000000000000", NAME_ENTRY},
	    {"000000000000000000000000000w", NAME_FOREIGN},
	    {"Thumbs.db", NAME_FOREIGN},
	    {"desktop.ini", NAME_FOREIGN},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (name_classify(rows[i].entry) != rows[i].kind)
			fail_msg("'%s' is of kind %d", rows[i].entry, (int)name_classify(rows[i].entry));
}

static void name__of_144_letters_is_no_entry(void **state)
{
	(void)state;
	char text[NAME_MAX_STORED_SHORT + 3];

	memset(text, '0', sizeof text);
	text[143] = 0;
	assert_int_equal(name_classify(text), NAME_ENTRY);
	text[143] = '0';
	text[144] = 0;
	assert_int_equal(name_classify(text), NAME_FOREIGN);
}

static void long_name__matches_its_own_entry_only(void **state)
{
	(void)state;
	struct stored_name one, other, small;
	char plain[NAME_MAX_PLAIN + 1];

	random_name(plain, 200);
	assert_int_equal(name_encode(key, plain, &one, NULL), FAULT_NONE);
	plain[0] = plain[0] == 'a' ? 'b' : 'a';
	assert_int_equal(name_encode(key, plain, &other, NULL), FAULT_NONE);
	assert_int_equal(name_encode(key, "short", &small, NULL), FAULT_NONE);
	size_t length = strlen(one.long_text);
	assert_true(name_long_matches(one.entry, one.long_text, length));
	assert_false(name_long_matches(other.entry, one.long_text, length));
	assert_false(name_long_matches(one.entry, one.long_text, length - 1));
	assert_false(name_long_matches(one.entry, one.long_text, 0));
	assert_false(name_long_matches(one.long_file, one.long_text, length));
	assert_false(name_long_matches(small.entry, small.entry, strlen(small.entry)));
	assert_false(name_long_matches("", one.long_text, length));
}

static void long_name__that_would_have_been_short_does_not_match(void **state)
{
	(void)state;
	uint8_t sealed[NAME_SIV_SIZE + 5];
	char entry[128] = FORMAT_LONG_PREFIX, text[64];

	cipher_siv_seal(siv, folder.bytes, ID_SIZE, (const uint8_t *)"short", 5, sealed);
	text_base32(text, sealed, sizeof sealed);
	struct digest hash = kdf_hash(KDF_HASH_LONG_NAME, sealed, sizeof sealed);
	text_base32(entry + strlen(entry), hash.bytes, DIGEST_SIZE);
	assert_int_equal(name_classify(entry), NAME_LONG_ENTRY);
	assert_false(name_long_matches(entry, text, strlen(text)));
}

static void xattr_name__comes_back_at_every_length(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	char plain[XATTR_NAME_MAX_PLAIN + 2], stored[256], back[XATTR_NAME_MAX_PLAIN + 1];

	for (size_t length = 1; length <= XATTR_NAME_MAX_PLAIN; length++) {
		random_name(plain, length);
		assert_works(name_encode_xattr(key, plain, stored, &why));
		assert_true(strlen(stored) <= 255);
		assert_int_equal(strncmp(stored, "user.fsenc.", 11), 0);
		assert_works(name_decode_xattr(key, stored, back, &why));
		assert_string_equal(plain, back);
		for (char *at = stored; *at; at++)
			*at = (char)toupper((unsigned char)*at);
		assert_works(name_decode_xattr(key, stored, back, &why));
	}
	random_name(plain, XATTR_NAME_MAX_PLAIN + 1);
	assert_fault(FAULT_NAME_TOO_LONG, name_encode_xattr(key, plain, stored, &why));
	assert_fault(FAULT_INVALID, name_encode_xattr(key, "", stored, &why));
	assert_fault(FAULT_FORBIDDEN, name_encode_xattr(key, "fsenc.state", stored, &why));
}

static void xattr_name__of_another_folder_or_program_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
	    "", "user.", "user.fsenc.", "user.comment", "security.fsenc.0", "user.fsenc.x"};
	struct why why = WHY_NONE;
	char stored[256], back[XATTR_NAME_MAX_PLAIN + 1];
	AUTO(name_key_free) struct name_key *elsewhere = NULL;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_fault(FAULT_REFUSED, name_decode_xattr(key, bad[i], back, &why));
	assert_works(name_key_new(siv, &other_folder, &elsewhere, &why));
	assert_works(name_encode_xattr(key, "comment", stored, &why));
	assert_fault(FAULT_REFUSED, name_decode_xattr(elsewhere, stored, back, &why));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(name__comes_back_at_every_length),
		cmocka_unit_test(name__comes_back_whatever_it_looks_like),
		cmocka_unit_test(name__becomes_long_over_143_characters),
		cmocka_unit_test(name__is_the_same_each_time_and_differs_by_folder),
		cmocka_unit_test(name__is_stored_as_the_format_says),
		cmocka_unit_test(name__is_read_in_either_case),
		cmocka_unit_test(name__refuses_what_no_file_can_be_called),
		cmocka_unit_test(name__refuses_to_show_what_no_file_can_be_called),
		cmocka_unit_test(name__refuses_every_changed_letter_and_every_cut),
		cmocka_unit_test(name__classifies_directory_entries),
		cmocka_unit_test(name__of_144_letters_is_no_entry),
		cmocka_unit_test(long_name__matches_its_own_entry_only),
		cmocka_unit_test(long_name__that_would_have_been_short_does_not_match),
		cmocka_unit_test(xattr_name__comes_back_at_every_length),
		cmocka_unit_test(xattr_name__of_another_folder_or_program_is_refused),
	};
	return cmocka_run_group_tests(tests, make_key, free_key);
}
