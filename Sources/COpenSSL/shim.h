#ifndef BUSBAR_COPENSSL_SHIM_H
#define BUSBAR_COPENSSL_SHIM_H

#include <stdint.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/md5.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

// Swift cannot see function-like macros, so each one that is needed has an inline function here.

static inline void busbar_SSL_CTX_set_mode(SSL_CTX *context, long mode) {
    SSL_CTX_set_mode(context, mode);
}

static inline void busbar_SSL_set_mode(SSL *ssl, long mode) {
    SSL_set_mode(ssl, mode);
}

static inline void busbar_SSL_clear_mode(SSL *ssl, long mode) {
    SSL_clear_mode(ssl, mode);
}

// A renegotiation would let a peer buy handshakes on one connection and make writes wait for reads.
static inline void busbar_SSL_CTX_set_safe_options(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
}

static inline int busbar_SSL_CTX_set_min_proto_version(SSL_CTX *context, int version) {
    return SSL_CTX_set_min_proto_version(context, version);
}

static inline long busbar_SSL_CTX_set_session_cache_mode(SSL_CTX *context, long mode) {
    return SSL_CTX_set_session_cache_mode(context, mode);
}

static inline int busbar_SSL_CTX_set1_groups_list(SSL_CTX *context, const char *groups) {
    return (int)SSL_CTX_set1_groups_list(context, groups);
}

static inline int busbar_SSL_set_tlsext_host_name(SSL *ssl, const char *name) {
    return (int)SSL_set_tlsext_host_name(ssl, name);
}

static inline int busbar_SSL_CTX_set1_verify_cert_store(SSL_CTX *context, X509_STORE *store) {
    return (int)SSL_CTX_set1_verify_cert_store(context, store);
}

static inline int busbar_SSL_CTX_add1_chain_cert(SSL_CTX *context, X509 *certificate) {
    return (int)SSL_CTX_add1_chain_cert(context, certificate);
}

// Whether an address in text form was given; a server is then checked against its IP names instead of its DNS names.
static inline int busbar_SSL_set1_ip(SSL *ssl, const char *address) {
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), address);
}

static inline void busbar_BIO_set_retry_read(BIO *bio) {
    BIO_set_retry_read(bio);
}

static inline void busbar_BIO_clear_retry_flags(BIO *bio) {
    BIO_clear_retry_flags(bio);
}

static inline BIO *busbar_BIO_new_memory(const void *bytes, size_t count) {
    return BIO_new_mem_buf(bytes, (int)count);
}

// What a memory BIO holds, owned by it.
static inline size_t busbar_BIO_memory(BIO *bio, char **bytes) {
    long count = BIO_get_mem_data(bio, bytes);
    return count > 0 ? (size_t)count : 0;
}

static inline unsigned long busbar_ERR_reason(unsigned long error) {
    return (unsigned long)ERR_GET_REASON(error);
}

// Subject alternative names. The names belong to the caller of busbar_subject_alternative_names, who frees them with
// GENERAL_NAMES_free; what busbar_subject_alternative_name points to lives as long as they do.

static inline GENERAL_NAMES *busbar_subject_alternative_names(const X509 *certificate) {
    return (GENERAL_NAMES *)X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
}

static inline int busbar_subject_alternative_name_count(const GENERAL_NAMES *names) {
    return sk_GENERAL_NAME_num(names);
}

// Gives the name's type (GEN_DNS, GEN_URI, ...), and its bytes when it is one of these two.
static inline int busbar_subject_alternative_name(const GENERAL_NAMES *names, int index, const uint8_t **bytes,
                                                  int *count) {
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, index);
    *bytes = NULL;
    *count = 0;
    if (name == NULL) return -1;
    if (name->type == GEN_DNS || name->type == GEN_URI) {
        *bytes = ASN1_STRING_get0_data(name->d.ia5);
        *count = ASN1_STRING_length(name->d.ia5);
    }
    return name->type;
}

// Certificates in a stack that belongs to OpenSSL, and stacks of our own.

static inline int busbar_stack_count(const STACK_OF(X509) *stack) {
    return stack == NULL ? 0 : sk_X509_num(stack);
}

static inline X509 *busbar_stack_certificate(const STACK_OF(X509) *stack, int index) {
    return sk_X509_value(stack, index);
}

static inline STACK_OF(X509) *busbar_stack_new(void) {
    return sk_X509_new_null();
}

// Takes a reference of its own.
static inline int busbar_stack_push(STACK_OF(X509) *stack, X509 *certificate) {
    if (X509_up_ref(certificate) != 1) return 0;
    if (sk_X509_push(stack, certificate) > 0) return 1;
    X509_free(certificate);
    return 0;
}

static inline void busbar_stack_free(STACK_OF(X509) *stack) {
    sk_X509_pop_free(stack, X509_free);
}

static inline unsigned long busbar_name_flags(void) {
    return XN_FLAG_RFC2253;
}

// Seconds since the Unix epoch; INT64_MAX when there is no time, INT64_MIN when it cannot be read.
static inline int64_t busbar_seconds(const ASN1_TIME *time) {
    struct tm parts;
    if (time == NULL) return INT64_MAX;
    if (ASN1_TIME_to_tm(time, &parts) != 1) return INT64_MIN;
    return (int64_t)timegm(&parts);
}

// Picks the first protocol of the server's list (wire format, in `list`, zero-terminated) that the client offers too.
static inline int busbar_alpn_select(SSL *ssl, const unsigned char **out, unsigned char *outlen,
                                     const unsigned char *in, unsigned int inlen, void *list) {
    const unsigned char *wanted = (const unsigned char *)list;
    unsigned int length = 0;
    (void)ssl;
    while (wanted[length] != 0) length += (unsigned int)wanted[length] + 1;
    unsigned char *selected = NULL;
    if (SSL_select_next_proto(&selected, outlen, wanted, length, in, inlen) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = selected;
    return SSL_TLSEXT_ERR_OK;
}

#endif
