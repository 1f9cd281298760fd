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

static inline void busbar_BIO_set_retry_read(BIO *bio) {
    BIO_set_retry_read(bio);
}

static inline void busbar_BIO_clear_retry_flags(BIO *bio) {
    BIO_clear_retry_flags(bio);
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
