#include "keys/keyring.h"
