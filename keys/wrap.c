#include "keys/wrap.h"
