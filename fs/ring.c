#include "fs/ring.h"
