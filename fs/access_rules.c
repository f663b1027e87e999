/* May these bytes stand at this place? docs/FORMAT.md, "When a record is accepted". */
#include "base/file.h"
#include "base/log.h"
#include "fs/access_state.h"
#include "keys/keyring_certified.h"

#define VERSION(record) ((unsigned long long)(record)->version)

void access_seen_done(struct access_seen *seen)
{
	pin_folder_done(&seen->pin);
	*seen = ACCESS_SEEN_NOTHING;
}

const char *access_words(const struct access_place *place)
{
	return place->path[0] ? place->path : "(root)";
}

/* -- pins ----------------------------------------------------------------------------- */

static const struct share_id *share_id_of(const struct access_place *place)
{
	return &share_record_of(place->share)->share;
}

enum fault access_recall(const struct access_place *place, struct access_seen *ret_seen, struct why *why)
{
	struct access_seen seen = ACCESS_SEEN_NOTHING;
	enum fault fault = keyring_folder_pin(share_keyring(place->share), share_id_of(place), place->path,
					      &seen.pin, why);
	if (fault && fault != FAULT_MISSING)
		return fault;
	seen.pinned = !fault;
	access_seen_done(ret_seen);
	*ret_seen = seen;
	return FAULT_NONE;
}

/* A folder that is not known at this path may be known at another: somebody renamed it. */
static enum fault recall_by_id(const struct access_place *place, const struct folder_id *folder,
			       struct access_seen *seen, struct why *why)
{
	AUTO(free) char *path = NULL;
	enum fault fault = keyring_folder_pin_by_id(share_keyring(place->share), share_id_of(place), folder,
						    &seen->pin, &path, why);
	if (fault == FAULT_MISSING)
		return FAULT_NONE;
	if (!fault)
		seen->pinned = seen->elsewhere = true;
	return fault;
}

enum fault access_pin(const struct access_place *place, const struct access_seen *seen,
		      const struct folder_file *file, const struct bytes *text, struct why *why)
{
	const struct record *record = file->record;
	if (seen->pinned && !seen->elsewhere && digest_equal(&seen->pin.digest, &record->digest))
		return FAULT_NONE;
	const struct pin_folder pin = {record->folder, record->version, record->digest, *text};
	if (seen->elsewhere)
		log_info("folder '%s' was moved here from another place", access_words(place));
	return keyring_set_folder_pin(share_keyring(place->share), share_id_of(place), place->path, &pin,
				      why);
}

/* -- the chain ------------------------------------------------------------------------ */

struct chain {
	const struct access_place *place;
	const struct access_seen *seen;
	struct folder_file *present;
	struct folder_file *pinned; /* the last good one, or NULL */
	struct access_log log; /* read when first needed */
	bool log_is_read;
	struct certificate *certificate; /* the last one found in the keyring */
};

static void chain_done(struct chain *chain)
{
	folder_file_free(chain->pinned);
	access_log_done(&chain->log);
	certificate_free(chain->certificate);
}
AUTO_VALUE(struct chain, chain_done);

static const struct public_identity *find_key(void *context, const struct fingerprint *fingerprint)
{
	struct chain *chain = context;
	const struct public_identity *key = folder_file_find_key(chain->present, fingerprint);

	if (!key && chain->pinned)
		key = folder_file_find_key(chain->pinned, fingerprint);
	if (key)
		return key;
	certificate_free(TAKE(chain->certificate));
	if (keyring_find_certificate(share_keyring(chain->place->share), fingerprint, &chain->certificate,
				     NULL))
		return NULL;
	return certificate_identity(chain->certificate);
}

/* Lines prove themselves, so those of the second copy are as good as those of the first. */
static enum fault read_logs(struct chain *chain, struct why *why)
{
	AUTO(file_close) int backup = -1;
	enum fault fault = access_log_read(&chain->log, chain->place->directory, why);
	if (fault)
		return fault;
	chain->log_is_read = true;
	if (access_backup_open(chain->place, &chain->present->record->folder, false, &backup, NULL))
		return FAULT_NONE;
	return access_log_read(&chain->log, backup, why);
}

static enum fault find_before(struct chain *chain, const struct record *next, struct record **ret_before,
			      struct signed_object **ret_object, struct why *why)
{
	if (chain->pinned && digest_equal(&chain->pinned->record->digest, &next->previous))
		return record_copy(chain->pinned->record, ret_before, why);
	enum fault fault = chain->log_is_read ? FAULT_NONE : read_logs(chain, why);
	if (fault)
		return fault;
	fault = access_log_find(&chain->log, &next->previous, ret_before, ret_object, why);
	if (fault == FAULT_MEMORY || !fault)
		return fault;
	if (chain->seen->pinned)
		return why_set(why, FAULT_TAMPERED,
			       "nothing connects version %llu with version %llu, seen before",
			       VERSION(chain->present->record), (unsigned long long)chain->seen->pin.version);
	return why_set(why, FAULT_TAMPERED, "nothing connects version %llu with version %llu", VERSION(next),
		       VERSION(next) - 1);
}

/* With a pin the chain ends at what was accepted before; without one, at version 1. */
static bool is_anchor(const struct chain *chain, const struct record *record)
{
	if (chain->seen->pinned)
		return digest_equal(&chain->seen->pin.digest, &record->digest);
	return record->version == 1;
}

static enum fault check_not_older(const struct chain *chain, const struct record *record, struct why *why)
{
	const struct pin_folder *pin = &chain->seen->pin;
	if (!chain->seen->pinned || record->version > pin->version)
		return FAULT_NONE;
	if (record->version < pin->version)
		return why_set(why, FAULT_TAMPERED, "version %llu is older than version %llu, seen before",
			       VERSION(record), (unsigned long long)pin->version);
	return why_set(why, FAULT_TAMPERED, "version %llu is another one than that seen before",
		       VERSION(record));
}

static enum fault check_first(struct chain *chain, const struct record *record,
			      const struct signed_object *object, struct why *why)
{
	if (chain->seen->pinned)
		return FAULT_NONE;
	enum fault fault = record_is_first(record, object, find_key, chain, why);
	if (fault)
		return fault;
	const struct certificate *shown = folder_file_find_certificate(chain->present,
								       &record->signer_fingerprint);
	fault = keyring_vouches(share_keyring(chain->place->share), &record->signer_fingerprint, shown, why);
	if (fault != FAULT_KEY_MISSING)
		return why_in(why, fault, "its first admin '%s'", record_find(record, &record->signer)->name);
	char text[DIGEST_TEXT_SIZE];
	fingerprint_text(&record->signer_fingerprint, text);
	return why_set(why, FAULT_KEY_MISSING,
		       "its first admin '%s' is not trusted here; compare the fingerprint %s with him, "
		       "then run 'fsenc key import CERT --trust %s'",
		       record_find(record, &record->signer)->name, text, text);
}

/* From the present back to the anchor. Each link is judged by itself, so only two are held at a time. */
static enum fault connect_to_anchor(struct chain *chain, struct why *why)
{
	const struct record *next = chain->present->record;
	const struct signed_object *signature = chain->present->object;
	AUTO(record_free) struct record *held = NULL;
	AUTO(signed_free) struct signed_object *held_signature = NULL;

	while (!is_anchor(chain, next)) {
		AUTO(record_free) struct record *before = NULL;
		AUTO(signed_free) struct signed_object *before_signature = NULL;
		enum fault fault = check_not_older(chain, next, why);
		if (!fault)
			fault = find_before(chain, next, &before, &before_signature, why);
		if (!fault)
			fault = why_in(why, record_follows(before, next, signature, find_key, chain, why),
				       "version %llu", VERSION(next));
		if (fault)
			return fault;
		record_free(held);
		signed_free(held_signature);
		next = held = TAKE(before);
		signature = held_signature = TAKE(before_signature);
	}
	return check_first(chain, next, signature, why);
}

/* -- the place ------------------------------------------------------------------------ */

static enum fault check_place(const struct access_place *place, const struct access_seen *seen,
			      const struct record *record, struct why *why)
{
	if (!share_id_equal(&record->share, share_id_of(place)))
		return why_set(why, FAULT_TAMPERED, "this folder belongs to another share");
	if (seen->pinned && !folder_id_equal(&record->folder, &seen->pin.folder)) {
		char here[ID_TEXT_SIZE];
		char before[ID_TEXT_SIZE];
		folder_id_text(&record->folder, here);
		folder_id_text(&seen->pin.folder, before);
		return why_set(why, FAULT_TAMPERED,
			       "folder %s lies where folder %s was; "
			       "if that is meant, run 'fsenc key trust --folder DIR'",
			       here, before);
	}
	if (!folder_id_equal(&record->parent, &place->parent))
		return why_set(why, FAULT_TAMPERED, "this folder belongs below another folder");
	return FAULT_NONE;
}

/* The keybox is not signed. Bytes with a broken envelope of our own must not become the last good
 * ones, from which we would mend the share some day. */
static enum fault check_own_envelope(const struct access_place *place, const struct folder_file *file,
				     struct why *why)
{
	const struct identity *identity = share_identity(place->share);
	if (!identity)
		return FAULT_NONE;
	AUTO(folder_keys_free) struct folder_keys *keys = NULL;
	enum fault fault = folder_keys_open(file, identity, &keys, why);
	return fault == FAULT_LOCKED ? FAULT_NONE : fault;
}

static enum fault check_chain(const struct access_place *place, const struct access_seen *seen,
			      struct folder_file *file, struct why *why)
{
	if (seen->pinned && digest_equal(&seen->pin.digest, &file->record->digest))
		return FAULT_NONE;
	AUTO(chain_done) struct chain chain = {
		.place = place,
		.seen = seen,
		.present = file,
		.log = ACCESS_LOG_EMPTY,
	};
	/* Not readable: then the log has to connect. */
	if (seen->pinned && folder_file_parse(seen->pin.file.data, seen->pin.file.size, &chain.pinned, NULL))
		chain.pinned = NULL;
	enum fault fault = connect_to_anchor(&chain, why);
	return fault ? fault : check_own_envelope(place, file, why);
}

enum fault access_accept(const struct access_place *place, struct access_seen *seen, const struct bytes *text,
			 struct folder_file **ret_file, struct why *why)
{
	AUTO(folder_file_free) struct folder_file *file = NULL;
	enum fault fault = folder_file_parse(text->data, text->size, &file, why);
	if (!fault && !seen->pinned)
		fault = recall_by_id(place, &file->record->folder, seen, why);
	if (!fault)
		fault = check_place(place, seen, file->record, why);
	if (!fault)
		fault = check_chain(place, seen, file, why);
	if (!fault)
		*ret_file = TAKE(file);
	return fault;
}
