#include "server/store_sqlite_layout.h"

/* What a table is for stands in server/store.h, with the functions that use it. */
static const char first[] =
	/* one row: grows with each change that may outdate what somebody remembers; when /readyz last wrote
	 */
	"CREATE TABLE state (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL,"
	" checked INTEGER NOT NULL) STRICT;"
	"INSERT INTO state VALUES (1, 1, 0);"
	"CREATE TABLE documents (kind INTEGER PRIMARY KEY, version INTEGER NOT NULL, text TEXT NOT NULL)"
	" STRICT;"
	"CREATE TABLE own_keys (kind INTEGER PRIMARY KEY, id BLOB NOT NULL, name TEXT NOT NULL,"
	" sign_public BLOB NOT NULL, encrypt_public BLOB NOT NULL, sealed BLOB NOT NULL) STRICT;"
	"CREATE TABLE key_groups (id BLOB PRIMARY KEY, name TEXT NOT NULL UNIQUE, recovery INTEGER NOT NULL,"
	" version INTEGER NOT NULL, epoch INTEGER NOT NULL, descriptor TEXT NOT NULL,"
	" share_index INTEGER NOT NULL, share BLOB NOT NULL, member_counter INTEGER NOT NULL,"
	" rotate_since INTEGER NOT NULL) STRICT;"
	"CREATE TABLE certificates (account BLOB NOT NULL, serial INTEGER NOT NULL, user_id BLOB NOT NULL,"
	" fingerprint BLOB NOT NULL UNIQUE, name TEXT NOT NULL, previous BLOB NOT NULL,"
	" state INTEGER NOT NULL, created INTEGER NOT NULL, text TEXT NOT NULL,"
	" PRIMARY KEY (account, serial)) STRICT;"
	"CREATE INDEX certificates_user ON certificates (user_id);"
	"CREATE TABLE codes (account BLOB PRIMARY KEY, code BLOB NOT NULL, expires INTEGER NOT NULL) STRICT;"
	"CREATE TABLE approvals (account BLOB PRIMARY KEY, fingerprint BLOB NOT NULL, name TEXT NOT NULL,"
	" requested INTEGER NOT NULL, approved INTEGER NOT NULL, effective INTEGER NOT NULL) STRICT;"
	/* kind: 1 the head, 2 what was one (its record is not kept), 3 the other side of a fork */
	"CREATE TABLE heads (folder BLOB NOT NULL, version INTEGER NOT NULL, digest BLOB NOT NULL,"
	" kind INTEGER NOT NULL, generation INTEGER NOT NULL, seen INTEGER NOT NULL, record TEXT NOT NULL,"
	" PRIMARY KEY (folder, version, digest)) STRICT, WITHOUT ROWID;"
	"CREATE UNIQUE INDEX heads_head ON heads (folder) WHERE kind = 1;"
	"CREATE INDEX heads_fork ON heads (folder) WHERE kind = 3;"
	"CREATE TABLE tokens (account BLOB PRIMARY KEY, sealed BLOB NOT NULL, written INTEGER NOT NULL) STRICT;"
	"CREATE TABLE unlocked (account BLOB NOT NULL, group_id BLOB NOT NULL, at INTEGER NOT NULL,"
	" gone INTEGER NOT NULL, PRIMARY KEY (account, group_id)) STRICT, WITHOUT ROWID;"
	/* due: folders of this generation or an older one want a new one */
	"CREATE TABLE group_folders (group_id BLOB NOT NULL, folder BLOB NOT NULL, generation INTEGER NOT NULL,"
	" due INTEGER NOT NULL, PRIMARY KEY (group_id, folder)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE officers (name TEXT PRIMARY KEY, id BLOB NOT NULL UNIQUE, sign_public BLOB NOT NULL,"
	" encrypt_public BLOB NOT NULL, certificate TEXT NOT NULL) STRICT;"
	"CREATE TABLE audit (number INTEGER PRIMARY KEY, link BLOB NOT NULL, text TEXT NOT NULL) STRICT;"
	/* the builtin directory */
	"CREATE TABLE directory_users (id BLOB PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
	" enabled INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE directory_groups (id BLOB PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT, WITHOUT ROWID;"
	"CREATE TABLE memberships (member BLOB NOT NULL, group_id BLOB NOT NULL, kind INTEGER NOT NULL,"
	" PRIMARY KEY (member, group_id)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX memberships_group ON memberships (group_id, kind, member);"
	/* how often a name was given: part of the next id made of it */
	"CREATE TABLE names_given (kind INTEGER NOT NULL, name TEXT NOT NULL, count INTEGER NOT NULL,"
	" PRIMARY KEY (kind, name)) STRICT, WITHOUT ROWID;";

const char *const store_sqlite_steps[] = {first};
const size_t store_sqlite_step_count = sizeof store_sqlite_steps / sizeof *store_sqlite_steps;
