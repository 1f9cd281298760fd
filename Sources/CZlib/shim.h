#ifndef BUSBAR_CZLIB_SHIM_H
#define BUSBAR_CZLIB_SHIM_H

#include <zlib.h>

#endif
