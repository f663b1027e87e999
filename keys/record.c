#include "keys/record.h"
