#include "keys/identity.h"
