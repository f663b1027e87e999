#include "fs/folder.h"
