#ifndef BUSBAR_CSTORE_H
#define BUSBAR_CSTORE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* CRC-32C (Castagnoli) steps with the processor's instruction. Swift has no portable spelling for it. */

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static inline uint32_t busbar_crc32c_hardware(
    uint32_t crc, const uint8_t *bytes, size_t count) {
    uint64_t state = crc;
    while (count >= 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        state = __builtin_ia32_crc32di(state, word);
        bytes += 8;
        count -= 8;
    }
    while (count > 0) {
        state = __builtin_ia32_crc32qi((uint32_t)state, *bytes);
        bytes += 1;
        count -= 1;
    }
    return (uint32_t)state;
}

static inline int busbar_crc32c_has_hardware(void) {
    return __builtin_cpu_supports("sse4.2") != 0;
}
#else
static inline uint32_t busbar_crc32c_hardware(uint32_t crc, const uint8_t *bytes, size_t count) {
    (void)bytes;
    (void)count;
    return crc;
}

static inline int busbar_crc32c_has_hardware(void) {
    return 0;
}
#endif

/* The flag for reads and writes past the page cache, which the headers show to GNU sources only. */
int busbar_direct_flag(void);

#endif
