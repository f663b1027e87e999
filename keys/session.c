#include "keys/session.h"
