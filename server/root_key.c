#include "server/root_key.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "server/private_file.h"

#define FIRST_LINE "fsenc root key 1\n"
#define PRIVATE_LENGTH BASE64_LENGTH(IDENTITY_PRIVATE_SIZE)
/* Where each part begins; the name goes to the end. */
#define ID_AT (sizeof FIRST_LINE - 1)
#define PRIVATE_AT (ID_AT + HEX_LENGTH(ID_SIZE) + 1)
#define NAME_AT (PRIVATE_AT + PRIVATE_LENGTH + 1)

enum fault root_key_create(const char *path, const struct identity *root, struct why *why)
{
	AUTO(secret_free) struct secret *text = NULL;
	const struct public_identity *public = identity_public(root);
	size_t name = strlen(public->name);
	enum fault fault = secret_new(NAME_AT + name + 2, &text, why);
	char *bytes;

	if (fault)
		return fault;
	bytes = (char *)secret_bytes_to_fill(text);
	memcpy(bytes, FIRST_LINE, ID_AT);
	text_hex(bytes + ID_AT, public->id.bytes, ID_SIZE);
	bytes[PRIVATE_AT - 1] = '\n';
	text_base64(bytes + PRIVATE_AT, identity_private_bytes(root), IDENTITY_PRIVATE_SIZE);
	bytes[NAME_AT - 1] = '\n';
	memcpy(bytes + NAME_AT, public->name, name);
	bytes[NAME_AT + name] = '\n';
	return private_file_create(AT_FDCWD, path, bytes, NAME_AT + name + 1, why);
}

/* A part as a string of its own, in guarded memory like the whole. */
static enum fault part(const struct secret *text, size_t at, size_t length, struct secret **ret_part,
		       struct why *why)
{
	enum fault fault = secret_new(length + 1, ret_part, why);

	if (!fault)
		memcpy(secret_bytes_to_fill(*ret_part), secret_bytes(text) + at, length);
	return fault;
}

static bool has_form(const struct secret *text)
{
	const char *bytes = (const char *)secret_bytes(text);
	size_t size = secret_size(text);

	return size > NAME_AT && size <= NAME_AT + DISPLAY_NAME_MAX && !memcmp(bytes, FIRST_LINE, ID_AT) &&
	       bytes[PRIVATE_AT - 1] == '\n' && bytes[NAME_AT - 1] == '\n' && !memchr(bytes, 0, size);
}

static enum fault restore(const struct secret *text, struct identity **ret_root, struct why *why)
{
	AUTO(secret_free) struct secret *id_text = NULL;
	AUTO(secret_free) struct secret *private_text = NULL;
	AUTO(secret_free) struct secret *name = NULL;
	AUTO(secret_free) struct secret *private = NULL;
	struct member_id id;
	enum fault fault = secret_new(IDENTITY_PRIVATE_SIZE, &private, why);

	if (!fault)
		fault = part(text, ID_AT, HEX_LENGTH(ID_SIZE), &id_text, why);
	if (!fault)
		fault = part(text, PRIVATE_AT, PRIVATE_LENGTH, &private_text, why);
	if (!fault)
		fault = part(text, NAME_AT, secret_size(text) - NAME_AT, &name, why);
	if (fault)
		return fault;
	if (!member_id_from_text((const char *)secret_bytes(id_text), &id) ||
	    !text_from_base64_exact((const char *)secret_bytes(private_text), secret_bytes_to_fill(private),
				    IDENTITY_PRIVATE_SIZE))
		return why_set(why, FAULT_KEYRING_READ, "it is no root key");
	return identity_restore(&id, (const char *)secret_bytes(name), secret_bytes(private), ret_root, why);
}

enum fault root_key_read(const char *path, struct identity **ret_root, struct why *why)
{
	AUTO(secret_free) struct secret *text = NULL;
	enum fault fault = private_file_read(AT_FDCWD, path, false, &text, why);

	if (fault)
		return fault;
	fault = has_form(text) ? restore(text, ret_root, why)
			       : why_set(why, FAULT_KEYRING_READ, "it is no root key");
	return why_in(why, fault, "'%s'", path);
}
