#include "fs/range.h"
