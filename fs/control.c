#include "fs/control.h"
