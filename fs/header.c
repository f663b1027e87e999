#include "fs/header.h"
