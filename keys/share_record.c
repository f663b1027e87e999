#include "keys/share_record.h"
