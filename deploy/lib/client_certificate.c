/* Gives h2load, which has no option for it, a client certificate: loaded before the program, it takes SSL_CTX_new's place
 * and adds the certificate and key that the environment names. Built by deploy/bench transport. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>

SSL_CTX *SSL_CTX_new(const SSL_METHOD *method) {
    SSL_CTX *(*original)(const SSL_METHOD *) = (SSL_CTX * (*)(const SSL_METHOD *)) dlsym(RTLD_NEXT, "SSL_CTX_new");
    SSL_CTX *context = original(method);
    const char *certificate = getenv("CLIENT_CERTIFICATE");
    const char *key = getenv("CLIENT_KEY");
    if (context == NULL || certificate == NULL || key == NULL) return context;
    if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
        fprintf(stderr, "client_certificate: cannot use %s and %s\n", certificate, key);
        exit(1);
    }
    return context;
}
