#include "keys/keyring_store.h"

#include <jansson.h>

#define BACKUP_KIND "fsenc-key-backup+v1"
#define BACKUP_MAX (64 * 1024)

/*
 * {"id", "kind", "mib", "name", "passes", "salt", "sealed"}: the private bytes under the
 * passphrase alone, in the form of a slot. The id is inside the seal too, so that text and key stay together.
 */
#define BACKUP_PLAIN_SIZE (ID_SIZE + IDENTITY_PRIVATE_SIZE)
#define BACKUP_SEALED_SIZE SLOT_SEALED_SIZE(BACKUP_PLAIN_SIZE)

static void json_done(json_t *object)
{
	json_decref(object);
}
AUTO_POINTER(json_t *, json_done);

static enum fault backup_seal(const struct identity *identity, const struct secret *passphrase,
			      struct slot_cost cost, uint8_t salt[static SLOT_SALT_SIZE],
			      uint8_t sealed[static BACKUP_SEALED_SIZE], struct why *why)
{
	AUTO(wiped_key) struct wiped_key kek;
	uint8_t plain[BACKUP_PLAIN_SIZE];

	randombytes_buf(salt, SLOT_SALT_SIZE);
	enum fault fault = slot_kek(cost, secret_bytes(passphrase), secret_size(passphrase), salt, &kek, why);
	if (fault)
		return fault;
	memcpy(plain, identity_public(identity)->id.bytes, ID_SIZE);
	memcpy(plain + ID_SIZE, identity_private_bytes(identity), IDENTITY_PRIVATE_SIZE);
	slot_seal(&kek, plain, sizeof plain, sealed);
	secret_wipe(plain, sizeof plain);
	return FAULT_NONE;
}

enum fault keyring_backup(struct keyring *keyring, const struct secret *passphrase, struct bytes *ret_text,
			  struct why *why)
{
	const struct identity *identity;
	struct slot_cost cost;
	uint8_t salt[SLOT_SALT_SIZE], sealed[BACKUP_SEALED_SIZE];
	if (secret_size(passphrase) == 0)
		return why_set(why, FAULT_PASSPHRASE_EMPTY, "the passphrase of the backup is empty");
	enum fault fault = keyring_identity(keyring, &identity, why);
	if (!fault)
		fault = slot_cost_for(0, &cost, why);
	if (!fault)
		fault = backup_seal(identity, passphrase, cost, salt, sealed, why);
	if (fault)
		return fault;
	char id[ID_TEXT_SIZE], salt_text[BASE64_LENGTH(SLOT_SALT_SIZE) + 1];
	char sealed_text[BASE64_LENGTH(BACKUP_SEALED_SIZE) + 1];
	member_id_text(&identity_public(identity)->id, id);
	text_base64(salt_text, salt, sizeof salt);
	text_base64(sealed_text, sealed, sizeof sealed);
	AUTO(json_done)
	json_t *object = json_pack("{ss ss ss si si ss ss}", "kind", BACKUP_KIND, "id", id, "name",
				   identity_public(identity)->name, "mib", (int)cost.mib, "passes",
				   (int)cost.passes, "salt", salt_text, "sealed", sealed_text);
	AUTO(free) char *text = object ? json_dumps(object, JSON_SORT_KEYS | JSON_INDENT(1)) : NULL;
	if (!text)
		return why_set(why, FAULT_MEMORY, "no memory for a backup");
	fault = bytes_append_text(ret_text, text, why);
	return fault ? fault : bytes_append_text(ret_text, "\n", why);
}

struct backup {
	struct slot_cost cost;
	char name[DISPLAY_NAME_MAX + 1];
	struct member_id id;
	uint8_t salt[SLOT_SALT_SIZE], sealed[BACKUP_SEALED_SIZE];
};

static enum fault backup_read(const void *text, size_t size, struct backup *ret_backup, struct why *why)
{
	const char *kind, *id, *name, *salt, *sealed;
	int mib, passes;
	if (size > BACKUP_MAX)
		return why_set(why, FAULT_MALFORMED, "this is too large for a backup of a key");
	AUTO(json_done) json_t *object = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
	if (!object ||
	    json_unpack(object, "{ss ss ss si si ss ss !}", "kind", &kind, "id", &id, "name", &name, "mib",
			&mib, "passes", &passes, "salt", &salt, "sealed", &sealed) != 0 ||
	    strcmp(kind, BACKUP_KIND) != 0)
		return why_set(why, FAULT_MALFORMED, "this is no backup of a key");
	if (strlen(name) > DISPLAY_NAME_MAX || mib < KEYRING_KDF_MIB_FLOOR || passes < 1 ||
	    !member_id_from_text(id, &ret_backup->id) ||
	    !text_from_base64_exact(salt, ret_backup->salt, SLOT_SALT_SIZE) ||
	    !text_from_base64_exact(sealed, ret_backup->sealed, BACKUP_SEALED_SIZE))
		return why_set(why, FAULT_MALFORMED, "the backup of a key is damaged");
	(void)snprintf(ret_backup->name, sizeof ret_backup->name, "%s", name);
	ret_backup->cost = (struct slot_cost){.mib = (unsigned)mib, .passes = (unsigned)passes};
	return FAULT_NONE;
}

enum fault keyring_restore(const struct keyring_new_options *options, const void *text, size_t size,
			   struct keyring **ret_keyring, struct why *why)
{
	struct backup backup;
	AUTO(wiped_key) struct wiped_key kek;
	uint8_t plain[BACKUP_PLAIN_SIZE];
	struct identity *identity = NULL;
	enum fault fault = backup_read(text, size, &backup, why);
	if (!fault)
		fault = slot_kek(backup.cost, secret_bytes(options->passphrase),
				 secret_size(options->passphrase), backup.salt, &kek, why);
	if (fault)
		return fault;
	if (!slot_unseal(&kek, backup.sealed, sizeof backup.sealed, plain))
		return why_set(why, FAULT_PASSPHRASE, "the passphrase of the backup is wrong");
	if (memcmp(plain, backup.id.bytes, ID_SIZE) != 0)
		fault = why_set(why, FAULT_MALFORMED, "the backup names another key than it holds");
	else
		fault = identity_restore(&backup.id, options->name ? options->name : backup.name,
					 plain + ID_SIZE, &identity, why);
	secret_wipe(plain, sizeof plain);
	return fault ? fault : keyring_make_with(options, identity, ret_keyring, why);
}
