#include "keys/keyring_backup.h"

#include <string.h>

#include "keys/fields.h"
#include "keys/keyring_make.h"

#define BACKUP_TEXT_MAX (64 * 1024)
#define BACKUP_TYPE 1
#define CONTEXT_SIZE (2 * 4 + SLOT_SALT_SIZE + DIGEST_SIZE)

static const char *const types[] = {NULL, [BACKUP_TYPE] = "fsenc-key-backup+v1", NULL};

static const struct field fields[] = {
	{"type", FIELD_CHOICE, FIELD_AT(struct backup, type), .words = types},
	{"passes", FIELD_INTEGER, FIELD_AT(struct backup, cost.passes), .least = SLOT_PASSES,
	 .most = SLOT_PASSES_MAX},
	{"mib", FIELD_INTEGER, FIELD_AT(struct backup, cost.mib), .least = KEYRING_KDF_MIB_FLOOR,
	 .most = SLOT_MIB_MAX},
	{"salt", FIELD_BASE64, FIELD_AT(struct backup, salt)},
	{"commit", FIELD_BASE64, .offset = offsetof(struct backup, sealed), .size = SEAL_COMMIT_SIZE},
	{"sealed", FIELD_BASE64, .offset = offsetof(struct backup, sealed) + SEAL_COMMIT_SIZE,
	 .size = BACKUP_SEALED_SIZE - SEAL_COMMIT_SIZE},
	{"certificate", FIELD_OBJECT, FIELD_AT(struct backup, certificate)},
};
#define FIELD_COUNT (sizeof fields / sizeof *fields)

void backup_done(struct backup *backup)
{
	certificate_free(backup->certificate);
}

static void backup_context(const struct backup *backup, uint8_t context[static CONTEXT_SIZE])
{
	const struct digest digest = signed_digest(certificate_signed(backup->certificate));

	le32_put(context, backup->cost.passes);
	le32_put(context + 4, backup->cost.mib);
	memcpy(context + 8, backup->salt, SLOT_SALT_SIZE);
	memcpy(context + 8 + SLOT_SALT_SIZE, digest.bytes, DIGEST_SIZE);
}

/* -- writing -------------------------------------------------------------------------- */

static enum fault backup_seal(struct backup *backup, const struct slot_opener *passphrase,
			      const struct identity *identity, struct why *why)
{
	AUTO(wiped_key) struct wiped_key kek;
	uint8_t context[CONTEXT_SIZE];
	const struct seal seal = {kek.bytes, KDF_BACKUP, context, sizeof context};

	randombytes_buf(backup->salt, sizeof backup->salt);
	enum fault fault = slot_stretch(passphrase, &backup->cost, backup->salt, &kek, why);
	if (fault)
		return fault;
	backup_context(backup, context);
	seal_close(&seal, identity_private_bytes(identity), IDENTITY_PRIVATE_SIZE, backup->sealed);
	return FAULT_NONE;
}

static enum fault backup_write(const struct backup *backup, struct bytes *text, struct why *why)
{
	AUTO(json_decref) json_t *object = NULL;
	enum fault fault = fields_write(fields, FIELD_COUNT, backup, &object, why);
	if (!fault)
		fault = fields_set(object, "certificate",
				   signed_json(certificate_signed(backup->certificate)), why);
	return fault ? fault : fields_append_text(object, text, why);
}

enum fault keyring_backup(struct keyring *keyring, const struct secret *passphrase, struct bytes *ret_text,
			  struct why *why)
{
	AUTO(backup_done) struct backup backup = {.type = BACKUP_TYPE};
	struct slot_opener opener;
	const struct identity *identity;
	enum fault fault = keyring_identity(keyring, &identity, why);
	if (!fault)
		fault = slot_passphrase(passphrase, &opener, why);
	if (!fault)
		fault = slot_cost_of(0, &backup.cost, why);
	if (!fault)
		fault = keyring_own_certificate(keyring, &backup.certificate, why);
	if (!fault)
		fault = backup_seal(&backup, &opener, identity, why);
	return fault ? fault : backup_write(&backup, ret_text, why);
}

/* -- reading -------------------------------------------------------------------------- */

enum fault backup_read(const void *text, size_t size, struct backup *ret_backup, struct why *why)
{
	struct backup backup;
	AUTO(json_decref) json_t *object = NULL;
	if (size > BACKUP_TEXT_MAX)
		return why_set(why, FAULT_MALFORMED, "too large for the backup of a key");
	enum fault fault = fields_parse(text, size, &object, why);
	if (!fault)
		fault = fields_read(fields, FIELD_COUNT, object, &backup, why);
	if (!fault)
		fault = certificate_parse(json_object_get(object, "certificate"), &backup.certificate, why);
	if (fault)
		return why_in(why, fault, "no backup of a key that can be read");
	*ret_backup = backup;
	return FAULT_NONE;
}

static bool is_of(const struct identity *identity, const struct certificate *certificate)
{
	const struct fingerprint own = public_identity_fingerprint(identity_public(identity));
	const struct fingerprint named = certificate_fingerprint(certificate);

	return fingerprint_equal(&own, &named);
}

static enum fault backup_open(const struct backup *backup, const struct slot_opener *passphrase,
			      struct identity **ret_identity, struct why *why)
{
	AUTO(wiped_key) struct wiped_key kek;
	AUTO(secret_free) struct secret *private = NULL;
	uint8_t context[CONTEXT_SIZE];
	const struct seal seal = {kek.bytes, KDF_BACKUP, context, sizeof context};
	enum fault fault = secret_new(IDENTITY_PRIVATE_SIZE, &private, why);
	if (!fault)
		fault = slot_stretch(passphrase, &backup->cost, backup->salt, &kek, why);
	if (fault)
		return fault;
	backup_context(backup, context);
	if (!seal_is_committed(&seal, backup->sealed))
		return why_set(why, FAULT_PASSPHRASE, "the passphrase is wrong, or the backup was changed");
	AUTO(identity_free) struct identity *identity = NULL;
	const struct public_identity *public = certificate_identity(backup->certificate);
	if (!seal_open(&seal, backup->sealed, IDENTITY_PRIVATE_SIZE, secret_bytes_to_fill(private)))
		return why_set(why, FAULT_REFUSED, "the backup of the key is damaged");
	fault = identity_restore(&public->id, public->name, secret_bytes(private), &identity, why);
	if (!fault && !is_of(identity, backup->certificate))
		return why_set(why, FAULT_REFUSED, "the backup holds another key than its certificate names");
	if (!fault)
		*ret_identity = TAKE(identity);
	return fault;
}

enum fault keyring_restore(const struct keyring_new_options *options, const void *text, size_t size,
			   struct keyring **ret_keyring, struct why *why)
{
	AUTO(backup_done) struct backup backup = {.certificate = NULL};
	AUTO(identity_free) struct identity *identity = NULL;
	struct slot_opener opener;
	enum fault fault = slot_passphrase(options->passphrase, &opener, why);
	if (!fault)
		fault = backup_read(text, size, &backup, why);
	if (!fault)
		fault = backup_open(&backup, &opener, &identity, why);
	return fault ? fault : keyring_make(options, TAKE(identity), backup.certificate, ret_keyring, why);
}
