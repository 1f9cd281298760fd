#define _GNU_SOURCE
#include "CStore.h"

#include <dlfcn.h>

/* RocksDB sums up its log byte by byte from tables where its package was built for every processor of an architecture,
   as Debian's is. This function takes the place of its own when the program is linked: same name, same arguments, same sums.
   Were it not taken, RocksDB would use its own, as it does on a processor without the instruction. */

typedef uint32_t (*extend_function)(uint32_t, const char *, size_t);

#define ROCKSDB_EXTEND "_ZN7rocksdb6crc32c6ExtendEjPKcm"

uint32_t busbar_rocksdb_extend(uint32_t crc, const char *bytes, size_t count) __asm__(ROCKSDB_EXTEND);

__attribute__((visibility("default"))) uint32_t busbar_rocksdb_extend(uint32_t crc, const char *bytes, size_t count) {
    if (__builtin_expect(busbar_crc32c_has_hardware(), 1)) {
        return ~busbar_crc32c_hardware(~crc, (const uint8_t *)bytes, count);
    }
    static extend_function original;
    extend_function found = __atomic_load_n(&original, __ATOMIC_ACQUIRE);
    if (found == NULL) {
        found = (extend_function)dlsym(RTLD_NEXT, ROCKSDB_EXTEND);
        __atomic_store_n(&original, found, __ATOMIC_RELEASE);
    }
    return found(crc, bytes, count);
}
