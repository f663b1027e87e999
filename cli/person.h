/* cli/person.h - a certificate as people and programs see it. */
#ifndef FSENC_CLI_PERSON_H
#define FSENC_CLI_PERSON_H

#include "keys/certificate.h"

/* {"id","name","fingerprint"}; a new reference, NULL without memory. */
json_t *person_json(const struct certificate *certificate);
/* The same as lines. */
MUST_CHECK enum fault person_print(const struct certificate *certificate, struct why *why);

#endif
