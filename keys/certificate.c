#include "keys/certificate.h"
