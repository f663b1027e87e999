#include "fs/name.h"
