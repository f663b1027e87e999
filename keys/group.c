#include "keys/group.h"
