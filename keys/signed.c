#include "keys/signed.h"
