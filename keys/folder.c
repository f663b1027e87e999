#include "keys/folder.h"
