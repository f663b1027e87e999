#include <ctype.h>
#include <sodium.h>
#include <string.h>

#include "keys/token.h"
#include "tests/lib/unit.h"

static struct token some_token(void)
{
	struct token token;

	for (size_t i = 0; i < TOKEN_SIZE; i++)
		token.bytes[i] = (uint8_t)(37 * i + 11);
	return token;
}

static void token__is_the_same_after_its_text(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	for (int i = 0; i < 1000; i++) {
		struct token token, again;
		char text[TOKEN_TEXT_SIZE];
		randombytes_buf(token.bytes, sizeof token.bytes);
		token_text(&token, text);
		assert_int_equal(strlen(text), TOKEN_TEXT_SIZE - 1);
		assert_works(token_from_text(text, &again, &why));
		assert_memory_equal(&token, &again, sizeof token);
	}
}

static void token__has_one_text_for_ever(void **state)
{
	(void)state;
	const struct token zeros = {{0}};
	const struct token token = some_token();
	char text[TOKEN_TEXT_SIZE];

	token_text(&zeros, text);
	assert_string_equal(text, "00000-00001-00002-00003-00004-00005-00006-00007");
	token_text(&token, text);
	assert_string_equal(text, "1CR5K-AYMZN-RKMGD-WCTRW-FPHCA-FV0H5-6SDRZ-19EAA");
}

static void token__is_read_as_people_write_it(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const struct token token = some_token();
	struct token again;
	char text[TOKEN_TEXT_SIZE];
	char written[4 * TOKEN_TEXT_SIZE];
	size_t size = 0;

	token_text(&token, text);
	for (size_t i = 0; text[i]; i++) {
		if (i % 3 == 0)
			written[size++] = " \t\r\n"[i % 4];
		written[size] = (char)tolower((unsigned char)text[i]);
		if (text[i] == '0')
			written[size] = i % 2 ? 'o' : 'O';
		if (text[i] == '1')
			written[size] = "iIlL"[i % 4];
		size++;
	}
	written[size] = 0;
	assert_works(token_from_text(written, &again, &why));
	assert_memory_equal(&token, &again, sizeof token);
}

/* 39 neighbours of each of 40 characters. */
static void token__notices_every_single_wrong_character_and_names_its_group(void **state)
{
	(void)state;
	static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZUu#/@[`{~\x7f\x80\xff";
	const struct token token = some_token();
	struct token untouched = {{9}};
	char text[TOKEN_TEXT_SIZE];
	token_text(&token, text);

	for (size_t i = 0; text[i]; i++)
		for (size_t j = 0; text[i] != '-' && alphabet[j]; j++) {
			struct why why = WHY_NONE;
			char group[32];
			char typed[TOKEN_TEXT_SIZE];
			memcpy(typed, text, sizeof typed);
			if (typed[i] == alphabet[j])
				continue;
			typed[i] = alphabet[j];
			assert_fault(FAULT_PASSPHRASE, token_from_text(typed, &untouched, &why));
			(void)snprintf(group, sizeof group, "group %zu", i / 6 + 1);
			assert_non_null(strstr(why.text, group));
			assert_int_equal(untouched.bytes[0], 9);
		}
}

static void token__notices_neighbours_exchanged(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct token again;

	for (int round = 0; round < 100; round++) {
		struct token token;
		char text[TOKEN_TEXT_SIZE];
		randombytes_buf(token.bytes, sizeof token.bytes);
		token_text(&token, text);
		for (size_t i = 0; text[i + 1]; i++) {
			char typed[TOKEN_TEXT_SIZE];
			memcpy(typed, text, sizeof typed);
			if (text[i] == '-' || text[i + 1] == '-' || text[i] == text[i + 1])
				continue;
			typed[i] = text[i + 1];
			typed[i + 1] = text[i];
			assert_fault(FAULT_PASSPHRASE, token_from_text(typed, &again, &why));
		}
	}
}

static void token__notices_groups_exchanged(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const struct token token = some_token();
	struct token again;
	char text[TOKEN_TEXT_SIZE];
	token_text(&token, text);

	for (size_t i = 0; i < TOKEN_GROUPS; i++)
		for (size_t j = i + 1; j < TOKEN_GROUPS; j++) {
			char typed[TOKEN_TEXT_SIZE];
			memcpy(typed, text, sizeof typed);
			memcpy(typed + 6 * i, text + 6 * j, TOKEN_GROUP_LENGTH);
			memcpy(typed + 6 * j, text + 6 * i, TOKEN_GROUP_LENGTH);
			assert_fault(FAULT_PASSPHRASE, token_from_text(typed, &again, &why));
		}
}

static void token__is_refused_when_it_is_too_short_or_too_long(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const struct token token = some_token();
	struct token again;
	char text[TOKEN_TEXT_SIZE];
	char longer[TOKEN_TEXT_SIZE + 2];
	token_text(&token, text);

	(void)snprintf(longer, sizeof longer, "%s0", text);
	assert_fault(FAULT_PASSPHRASE, token_from_text(longer, &again, &why));
	for (size_t size = 0; text[size]; size++) {
		char typed[TOKEN_TEXT_SIZE] = "";
		memcpy(typed, text, size);
		assert_fault(FAULT_PASSPHRASE, token_from_text(typed, &again, &why));
	}
}

static void token__never_stands_in_the_words_of_a_refusal(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const struct token token = some_token();
	struct token again;
	char text[TOKEN_TEXT_SIZE];
	token_text(&token, text);
	text[7] = text[7] == 'A' ? 'B' : 'A';

	assert_fault(FAULT_PASSPHRASE, token_from_text(text, &again, &why));
	for (size_t i = 0; i < TOKEN_GROUPS; i++) {
		char group[TOKEN_GROUP_LENGTH + 1] = "";
		memcpy(group, text + 6 * i, TOKEN_GROUP_LENGTH);
		assert_null(strstr(why.text, group));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(token__is_the_same_after_its_text),
		cmocka_unit_test(token__has_one_text_for_ever),
		cmocka_unit_test(token__is_read_as_people_write_it),
		cmocka_unit_test(token__notices_every_single_wrong_character_and_names_its_group),
		cmocka_unit_test(token__notices_neighbours_exchanged),
		cmocka_unit_test(token__notices_groups_exchanged),
		cmocka_unit_test(token__is_refused_when_it_is_too_short_or_too_long),
		cmocka_unit_test(token__never_stands_in_the_words_of_a_refusal),
	};
	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
