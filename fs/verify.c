#include "fs/verify.h"
