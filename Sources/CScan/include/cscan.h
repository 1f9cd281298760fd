/* Searches over JSON text. Every function reads only bytes of [p, end) and returns a pointer within [p, end]. */
#ifndef CSCAN_H
#define CSCAN_H

#include <stddef.h>
#include <stdint.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

/* The first quotation mark or backslash, or end. */
static inline const uint8_t *cscan_string_stop(const uint8_t *p, const uint8_t *end) {
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i backslash = _mm_set1_epi8('\\');
    while (end - p >= 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)p);
        __m128i hits = _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash));
        unsigned mask = (unsigned)_mm_movemask_epi8(hits);
        if (mask != 0) return p + __builtin_ctz(mask);
        p += 16;
    }
#elif defined(__aarch64__)
    while (end - p >= 16) {
        uint8x16_t bytes = vld1q_u8(p);
        uint8x16_t hits = vorrq_u8(vceqq_u8(bytes, vdupq_n_u8('"')), vceqq_u8(bytes, vdupq_n_u8('\\')));
        uint64_t nibbles = vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(hits), 4)), 0);
        if (nibbles != 0) return p + (__builtin_ctzll(nibbles) >> 2);
        p += 16;
    }
#endif
    while (p < end && *p != '"' && *p != '\\') p++;
    return p;
}

/* The first byte that cannot belong to a number or literal: a comma, a closing bracket, white space or below; or end. */
static inline const uint8_t *cscan_scalar_stop(const uint8_t *p, const uint8_t *end) {
#if defined(__SSE2__)
    const __m128i space = _mm_set1_epi8(0x20);
    while (end - p >= 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)p);
        __m128i hits = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(','));
        hits = _mm_or_si128(hits, _mm_cmpeq_epi8(_mm_or_si128(bytes, space), _mm_set1_epi8('}')));
        hits = _mm_or_si128(hits, _mm_cmpeq_epi8(_mm_min_epu8(bytes, space), bytes));
        unsigned mask = (unsigned)_mm_movemask_epi8(hits);
        if (mask != 0) return p + __builtin_ctz(mask);
        p += 16;
    }
#endif
    while (p < end && *p > 0x20 && *p != ',' && (*p | 0x20) != '}') p++;
    return p;
}

/* p stands behind an opening bracket and outside strings. Returns the place behind the bracket that closes it, or end when
   there is none. Which of the two kinds a bracket is does not matter: the text is taken for well-formed. */
const uint8_t *cscan_container_end(const uint8_t *p, const uint8_t *end);

/* The kernels behind cscan_container_end, by number from 0; the first is the plain one. */
const uint8_t *cscan_container_end_with(int kernel, const uint8_t *p, const uint8_t *end);

/* How many kernels this machine can run. */
int cscan_kernel_count(void);

/* The name of a kernel. */
const char *cscan_kernel_name(int kernel);

/* Counts newlines at memory speed: the bar that matching is held against. */
size_t cscan_count_newlines(const uint8_t *p, const uint8_t *end);

#endif
