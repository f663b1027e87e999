#include "fs/seal.h"
