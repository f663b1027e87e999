#include "cli/person.h"

#include "base/table.h"

struct person_texts {
	char id[ID_TEXT_SIZE];
	char fingerprint[DIGEST_TEXT_SIZE];
};

static struct person_texts texts(const struct certificate *certificate)
{
	struct fingerprint fingerprint = certificate_fingerprint(certificate);
	struct person_texts result;

	member_id_text(&certificate_identity(certificate)->id, result.id);
	fingerprint_text(&fingerprint, result.fingerprint);
	return result;
}

json_t *person_json(const struct certificate *certificate)
{
	struct person_texts text = texts(certificate);

	return json_pack("{s:s, s:s, s:s}", "id", text.id, "name", certificate_identity(certificate)->name,
			 "fingerprint", text.fingerprint);
}

enum fault person_print(const struct certificate *certificate, struct why *why)
{
	AUTO(table_done) struct table table = TABLE(2);
	struct person_texts text = texts(certificate);

	table_add(&table, (const char *[]){"name", certificate_identity(certificate)->name});
	table_add(&table, (const char *[]){"id", text.id});
	table_add(&table, (const char *[]){"fingerprint", text.fingerprint});
	return table_print(&table, stdout, why);
}
