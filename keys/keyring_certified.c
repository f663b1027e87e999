#include "keys/keyring_certified.h"

enum fault keyring_shown_certificate(struct keyring *keyring, struct certificate **ret_certificate,
				     struct why *why)
{
	AUTO(keyring_organisation_done) struct keyring_organisation own = {.object = NULL};
	enum fault fault = keyring_organisation(keyring, &own, why);
	if (fault == FAULT_MISSING)
		return keyring_own_certificate(keyring, ret_certificate, why);
	if (!fault)
		*ret_certificate = TAKE(own.certificate);
	return fault;
}

static bool contradicts(const struct certificate *known, const struct certificate *certificate)
{
	const struct fingerprint one = certificate_fingerprint(known);
	const struct fingerprint other = certificate_fingerprint(certificate);
	const struct member_id known_account = certificate_account(known);
	const struct member_id account = certificate_account(certificate);
	const bool same_id = member_id_equal(&certificate_identity(known)->id,
					     &certificate_identity(certificate)->id);

	if (fingerprint_equal(&one, &other))
		return !same_id;
	return same_id || member_id_equal(&known_account, &account);
}

/* *ret_own: it is about ourselves; our own row keeps the certificate we signed. */
static enum fault compare_with_known(struct keyring *keyring, const struct certificate *certificate,
				     bool *ret_own, struct why *why)
{
	AUTO(keyring_people_done) struct keyring_people people = {NULL, 0};
	const struct member_id *id = &certificate_identity(certificate)->id;
	enum fault fault = keyring_people(keyring, &people, why);
	*ret_own = false;
	for (size_t i = 0; i < people.count && !fault; i++) {
		const struct keyring_person *known = &people.list[i];
		if (contradicts(known->certificate, certificate))
			fault = why_set(
				why, FAULT_IDENTITY,
				"a server gives '%s' another key than the one known here; ask him, then "
				"run 'fsenc key import CERT --trust FINGERPRINT'",
				certificate_identity(certificate)->name);
		else if (known->own && member_id_equal(&certificate_identity(known->certificate)->id, id))
			*ret_own = true;
	}
	return fault;
}

/* Is it known as it is? Then nothing is to be compared: that was done when it came. */
static bool is_known(struct keyring *keyring, const struct organisation *organisation,
		     const struct fingerprint *fingerprint, const struct member_id *id)
{
	AUTO(certificate_free) struct certificate *known = NULL;

	return keyring_find_certificate(keyring, fingerprint, &known, NULL) == FAULT_NONE &&
	       (!id || member_id_equal(&certificate_identity(known)->id, id)) &&
	       certificate_verify_in(known, organisation, NULL) == FAULT_NONE;
}

/* With an organisation at hand, so that it is read once. */
static enum fault accept(struct keyring *keyring, const struct organisation *organisation,
			 const struct certificate *certificate, struct why *why)
{
	const struct fingerprint fingerprint = certificate_fingerprint(certificate);
	bool own;
	enum fault fault = certificate_verify_in(certificate, organisation, why);
	if (fault || is_known(keyring, organisation, &fingerprint, &certificate_identity(certificate)->id))
		return fault;
	fault = compare_with_known(keyring, certificate, &own, why);
	if (!fault && !own)
		fault = keyring_add_certificate(keyring, certificate, false, why);
	return fault;
}

enum fault keyring_accept_certified(struct keyring *keyring, const struct certificate *certificate,
				    struct why *why)
{
	AUTO(keyring_organisation_done) struct keyring_organisation own = {.object = NULL};
	enum fault fault = keyring_organisation(keyring, &own, why);

	return fault ? fault : accept(keyring, &own.organisation, certificate, why);
}

static bool is_for(const struct certificate *certificate, const struct fingerprint *fingerprint)
{
	const struct fingerprint found = certificate_fingerprint(certificate);

	return !certificate_is_self_signed(certificate) && fingerprint_equal(&found, fingerprint);
}

enum fault keyring_vouches(struct keyring *keyring, const struct fingerprint *fingerprint,
			   const struct certificate *certificate, struct why *why)
{
	AUTO(keyring_organisation_done) struct keyring_organisation own = {.object = NULL};
	if (keyring_trusts(keyring, fingerprint))
		return FAULT_NONE;
	enum fault fault = keyring_organisation(keyring, &own, why);
	if (fault)
		return fault == FAULT_MISSING ? why_set(why, FAULT_KEY_MISSING, "it is not trusted here")
					      : fault;
	if (is_known(keyring, &own.organisation, fingerprint, NULL))
		return FAULT_NONE;
	if (certificate && is_for(certificate, fingerprint)) {
		fault = accept(keyring, &own.organisation, certificate, why);
		if (fault != FAULT_REFUSED)
			return fault;
	}
	return why_set(why, FAULT_KEY_MISSING, "it is neither trusted here nor certified by '%s'",
		       own.organisation.root.name);
}
