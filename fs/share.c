#include "fs/share.h"
