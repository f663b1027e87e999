#include "fs/mount.h"
