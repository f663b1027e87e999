#include <string.h>

#include "base/bytes.h"
#include "ldap/id_set.h"
#include "ldap/sid.h"
#include "ldap/uuid.h"
#include "tests/lib/unit.h"

static const struct member_id example = {.bytes = {0xf8, 0x1d, 0x4f, 0xae, 0x7d, 0xec, 0x11, 0xd0, 0xa7, 0x65,
						   0x00, 0xa0, 0xc9, 0x1e, 0x6b, 0xf6}};

static void uuid__as_text_becomes_its_bytes_and_back(void **state)
{
	(void)state;
	static const char text[] = "F81D4FAE-7dec-11d0-a765-00a0c91e6bf6";
	struct member_id id;
	char value[UUID_TEXT_SIZE];
	assert_true(uuid_from_value(uuid_form_of("entryUUID"), text, sizeof text - 1, &id));
	assert_true(member_id_equal(&id, &example));
	assert_int_equal(uuid_to_value(UUID_TEXT, &id, value), 36);
	assert_string_equal(value, "f81d4fae-7dec-11d0-a765-00a0c91e6bf6");
}

/* [MS-DTYP] 2.3.4.2: the first three fields are little-endian in the bytes, not in the text. */
static void uuid__as_object_guid_reads_like_its_text(void **state)
{
	(void)state;
	static const uint8_t guid[] = {0xae, 0x4f, 0x1d, 0xf8, 0xec, 0x7d, 0xd0, 0x11,
				       0xa7, 0x65, 0x00, 0xa0, 0xc9, 0x1e, 0x6b, 0xf6};
	struct member_id id;
	char value[UUID_TEXT_SIZE];
	assert_true(uuid_from_value(uuid_form_of("OBJECTGUID"), guid, sizeof guid, &id));
	assert_true(member_id_equal(&id, &example));
	assert_int_equal(uuid_to_value(UUID_GUID, &id, value), sizeof guid);
	assert_memory_equal(value, guid, sizeof guid);
}

static void uuid__that_is_none_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"",
					  "f81d4fae7dec11d0a76500a0c91e6bf6",
					  "f81d4fae-7dec-11d0-a765-00a0c91e6bf",
					  "f81d4fae-7dec-11d0-a765-00a0c91e6bf61",
					  "f81d4fae-7dec-11d0-a765000a0c91e6bf6",
					  "f81d4fae--dec-11d0-a765-00a0c91e6bf6",
					  "g81d4fae-7dec-11d0-a765-00a0c91e6bf6",
					  "00000000-0000-0000-0000-000000000000"};
	struct member_id id = example;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(uuid_from_value(UUID_TEXT, bad[i], strlen(bad[i]), &id));
	assert_false(uuid_from_value(UUID_GUID, "short", 5, &id));
	assert_false(uuid_from_value(UUID_GUID, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16, &id));
	assert_true(member_id_equal(&id, &example));
}

static void sid__has_siblings_in_its_domain(void **state)
{
	(void)state;
	/* S-1-5-21-1-2-3-1105 */
	static const uint8_t bytes[] = {1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0,    0, 1, 0,
					0, 0, 2, 0, 0, 0, 3, 0, 0,  0, 0x51, 4, 0, 0};
	struct sid sid;
	assert_true(sid_from_value(bytes, sizeof bytes, &sid));
	assert_int_equal(sid_rid(&sid), 1105);
	const struct sid group = sid_sibling(&sid, 513);
	assert_int_equal(group.size, sizeof bytes);
	assert_memory_equal(group.bytes, bytes, sizeof bytes - 4);
	assert_int_equal(sid_rid(&group), 513);
}

static void sid__that_is_cut_or_of_another_revision_is_refused(void **state)
{
	(void)state;
	uint8_t bytes[100] = {1, 15};
	struct sid sid;
	assert_true(sid_from_value(bytes, 8 + 4 * 15, &sid));
	assert_false(sid_from_value(bytes, 8 + 4 * 15 - 1, &sid));
	assert_false(sid_from_value(bytes, 8 + 4 * 15 + 1, &sid));
	bytes[1] = 16;
	assert_false(sid_from_value(bytes, 8 + 4 * 16, &sid));
	bytes[1] = 0;
	assert_false(sid_from_value(bytes, 8, &sid));
	bytes[0] = 2;
	bytes[1] = 1;
	assert_false(sid_from_value(bytes, 12, &sid));
	assert_false(sid_from_value(bytes, 0, &sid));
}

static void id_set__knows_what_was_put_in_however_many(void **state)
{
	(void)state;
	enum { MANY = 5000 };
	AUTO(id_set_done) struct id_set set = ID_SET_EMPTY;
	struct member_id id = {.bytes = {0}};
	bool new = false;
	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 1; i <= MANY; i++) {
			le32_put(id.bytes + 4, i);
			assert_int_equal(id_set_has(&set, &id), round);
			assert_true(id_set_add(&set, &id, &new));
			assert_int_equal(new, !round);
		}
	assert_int_equal(set.count, MANY);
	le32_put(id.bytes + 4, MANY + 1);
	assert_false(id_set_has(&set, &id));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uuid__as_text_becomes_its_bytes_and_back),
		cmocka_unit_test(uuid__as_object_guid_reads_like_its_text),
		cmocka_unit_test(uuid__that_is_none_is_refused),
		cmocka_unit_test(sid__has_siblings_in_its_domain),
		cmocka_unit_test(sid__that_is_cut_or_of_another_revision_is_refused),
		cmocka_unit_test(id_set__knows_what_was_put_in_however_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
