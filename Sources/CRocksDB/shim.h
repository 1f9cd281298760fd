#ifndef BUSBAR_CROCKSDB_SHIM_H
#define BUSBAR_CROCKSDB_SHIM_H

#include <rocksdb/c.h>

#endif
