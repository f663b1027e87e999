#include "fs/cipher.h"
