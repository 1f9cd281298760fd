#define _GNU_SOURCE
#include "CStore.h"

#include <fcntl.h>

int busbar_direct_flag(void) {
    return O_DIRECT;
}
