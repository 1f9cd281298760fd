#include "cscan.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

typedef const uint8_t *(*container_end_fn)(const uint8_t *, const uint8_t *);

/* What a block of 64 bytes holds, a bit for each byte. */
struct block {
    uint64_t quotes;
    uint64_t backslashes;
    uint64_t opening;
    uint64_t closing;
};

/* What is known at the end of a block. */
struct position {
    uint64_t in_string; /* all ones inside a string */
    uint64_t escaped;   /* 1 when the next byte is escaped */
    int64_t depth;
};

/* The bytes that stand behind an odd backslash. */
static inline uint64_t escaped_bytes(uint64_t backslashes, uint64_t *carry) {
    uint64_t escaped = *carry;
    uint64_t left = backslashes & ~escaped;
    *carry = 0;
    while (left != 0) {
        int place = __builtin_ctzll(left);
        if (place == 63) {
            *carry = 1;
            break;
        }
        escaped |= 2ull << place;
        left &= ~(3ull << place);
    }
    return escaped;
}

/* Each bit becomes the parity of the bits up to and including it. */
static inline uint64_t prefix_parity(uint64_t bits) {
    bits ^= bits << 1;
    bits ^= bits << 2;
    bits ^= bits << 4;
    bits ^= bits << 8;
    bits ^= bits << 16;
    bits ^= bits << 32;
    return bits;
}

/* The index behind the bracket that ends the container, or -1 if it is not in this block. */
static inline __attribute__((always_inline)) int finish(struct block block, uint64_t parity, struct position *at) {
    uint64_t strings = parity ^ at->in_string;
    at->in_string = (uint64_t)((int64_t)strings >> 63);
    uint64_t opening = block.opening & ~strings;
    uint64_t closing = block.closing & ~strings;
    int64_t closed = __builtin_popcountll(closing);
    if (closed >= at->depth) {
        int64_t seen = 0;
        while (closing != 0) {
            int place = __builtin_ctzll(closing);
            seen++;
            if (at->depth + __builtin_popcountll(opening & ((1ull << place) - 1)) == seen) return place + 1;
            closing &= closing - 1;
        }
    }
    at->depth += __builtin_popcountll(opening) - closed;
    return -1;
}

/* A kernel from a function that classifies a block and one that computes parities. The last bytes are looked at in a copy
   filled up with spaces. */
#define KERNEL(name, attributes, classify, parity)                                                                    \
    attributes static const uint8_t *name(const uint8_t *p, const uint8_t *end) {                                     \
        struct position at = {0, 0, 1};                                                                               \
        uint8_t copy[64];                                                                                             \
        while (p < end) {                                                                                             \
            const uint8_t *source = p;                                                                                \
            if (end - p < 64) {                                                                                       \
                memset(copy, ' ', sizeof copy);                                                                       \
                memcpy(copy, p, (size_t)(end - p));                                                                   \
                source = copy;                                                                                        \
            }                                                                                                         \
            struct block block = classify(source);                                                                    \
            if ((block.backslashes | at.escaped) != 0) block.quotes &= ~escaped_bytes(block.backslashes, &at.escaped); \
            int place = finish(block, parity(block.quotes), &at);                                                     \
            if (place >= 0) return p + place;                                                                         \
            if (end - p < 64) break;                                                                                  \
            p += 64;                                                                                                  \
        }                                                                                                             \
        return end;                                                                                                   \
    }

static const uint8_t *plain_kernel(const uint8_t *p, const uint8_t *end) {
    int64_t depth = 1;
    while (p < end) {
        uint8_t byte = *p++;
        if (byte == '"') {
            while (p < end && *p != '"') p += *p == '\\' && end - p > 1 ? 2 : 1;
            if (p < end) p++;
        } else if ((byte | 0x20) == '{') {
            depth++;
        } else if ((byte | 0x20) == '}' && --depth == 0) {
            return p;
        }
    }
    return end;
}

#if defined(__x86_64__)
static inline uint64_t mask4(__m128i a, __m128i b, __m128i c, __m128i d) {
    uint64_t low = (uint32_t)_mm_movemask_epi8(a) | (uint32_t)_mm_movemask_epi8(b) << 16;
    uint64_t high = (uint32_t)_mm_movemask_epi8(c) | (uint32_t)_mm_movemask_epi8(d) << 16;
    return low | high << 32;
}

static inline uint64_t equal4(const __m128i *bytes, char value) {
    __m128i wanted = _mm_set1_epi8(value);
    return mask4(_mm_cmpeq_epi8(bytes[0], wanted), _mm_cmpeq_epi8(bytes[1], wanted), _mm_cmpeq_epi8(bytes[2], wanted),
                 _mm_cmpeq_epi8(bytes[3], wanted));
}

static inline struct block classify_sse2(const uint8_t *p) {
    __m128i bytes[4];
    __m128i folded[4];
    for (int i = 0; i < 4; i++) {
        bytes[i] = _mm_loadu_si128((const __m128i *)(p + 16 * i));
        folded[i] = _mm_or_si128(bytes[i], _mm_set1_epi8(0x20));
    }
    struct block block = {equal4(bytes, '"'), equal4(bytes, '\\'), equal4(folded, '{'), equal4(folded, '}')};
    return block;
}

KERNEL(sse2_kernel, , classify_sse2, prefix_parity)

#define AVX2 __attribute__((target("avx2,pclmul,popcnt,bmi")))

AVX2 static inline uint64_t equal2(__m256i a, __m256i b, char value) {
    __m256i wanted = _mm256_set1_epi8(value);
    uint64_t low = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(a, wanted));
    uint64_t high = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(b, wanted));
    return low | high << 32;
}

AVX2 static inline struct block classify_avx2(const uint8_t *p) {
    __m256i a = _mm256_loadu_si256((const __m256i *)p);
    __m256i b = _mm256_loadu_si256((const __m256i *)(p + 32));
    __m256i folded_a = _mm256_or_si256(a, _mm256_set1_epi8(0x20));
    __m256i folded_b = _mm256_or_si256(b, _mm256_set1_epi8(0x20));
    struct block block = {equal2(a, b, '"'), equal2(a, b, '\\'), equal2(folded_a, folded_b, '{'),
                          equal2(folded_a, folded_b, '}')};
    return block;
}

AVX2 static inline uint64_t parity_clmul(uint64_t bits) {
    __m128i product = _mm_clmulepi64_si128(_mm_set_epi64x(0, (long long)bits), _mm_set1_epi8((char)0xFF), 0);
    return (uint64_t)_mm_cvtsi128_si64(product);
}

KERNEL(avx2_kernel, AVX2, classify_avx2, parity_clmul)
#endif

#if defined(__aarch64__)
static inline uint64_t equal_neon(const uint8x16_t *bytes, uint8_t value) {
    static const uint8_t weights[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t weight = vld1q_u8(weights);
    const uint8x16_t wanted = vdupq_n_u8(value);
    uint8x16_t first = vpaddq_u8(vandq_u8(vceqq_u8(bytes[0], wanted), weight), vandq_u8(vceqq_u8(bytes[1], wanted), weight));
    uint8x16_t second = vpaddq_u8(vandq_u8(vceqq_u8(bytes[2], wanted), weight), vandq_u8(vceqq_u8(bytes[3], wanted), weight));
    first = vpaddq_u8(first, second);
    first = vpaddq_u8(first, first);
    return vgetq_lane_u64(vreinterpretq_u64_u8(first), 0);
}

static inline struct block classify_neon(const uint8_t *p) {
    uint8x16_t bytes[4];
    uint8x16_t folded[4];
    for (int i = 0; i < 4; i++) {
        bytes[i] = vld1q_u8(p + 16 * i);
        folded[i] = vorrq_u8(bytes[i], vdupq_n_u8(0x20));
    }
    struct block block = {equal_neon(bytes, '"'), equal_neon(bytes, '\\'), equal_neon(folded, '{'), equal_neon(folded, '}')};
    return block;
}

KERNEL(neon_kernel, , classify_neon, prefix_parity)
#endif

static const struct {
    const char *name;
    container_end_fn run;
} kernels[] = {
    {"plain", plain_kernel},
#if defined(__x86_64__)
    {"sse2", sse2_kernel},
    {"avx2", avx2_kernel},
#elif defined(__aarch64__)
    {"neon", neon_kernel},
#endif
};

int cscan_kernel_count(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    int has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("popcnt")
        && __builtin_cpu_supports("bmi");
    return has_avx2 ? 3 : 2;
#else
    return (int)(sizeof kernels / sizeof kernels[0]);
#endif
}

const char *cscan_kernel_name(int kernel) { return kernels[kernel].name; }

const uint8_t *cscan_container_end_with(int kernel, const uint8_t *p, const uint8_t *end) {
    return kernels[kernel].run(p, end);
}

static const uint8_t *choose(const uint8_t *p, const uint8_t *end);

static container_end_fn chosen = choose;

/* The first call picks the best kernel; threads that race here store the same value. */
static const uint8_t *choose(const uint8_t *p, const uint8_t *end) {
    container_end_fn best = kernels[cscan_kernel_count() - 1].run;
    __atomic_store_n(&chosen, best, __ATOMIC_RELAXED);
    return best(p, end);
}

const uint8_t *cscan_container_end(const uint8_t *p, const uint8_t *end) {
    return __atomic_load_n(&chosen, __ATOMIC_RELAXED)(p, end);
}

size_t cscan_count_newlines(const uint8_t *p, const uint8_t *end) {
    size_t count = 0;
    while ((p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
        count++;
        p++;
    }
    return count;
}
