#include "operator/http/trust.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>

namespace lockkeeper::http {
namespace {

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct FreeX509 {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using Bio = std::unique_ptr<BIO, FreeBio>;
using Certificate = std::unique_ptr<X509, FreeX509>;
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;

Bio reader(std::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

Certificate read_certificate(BIO* bio) {
  return Certificate(PEM_read_bio_X509(bio, nullptr, nullptr, nullptr));
}

int add_all(X509_STORE* store, std::string_view pem) {
  const Bio bio = reader(pem);
  int count = 0;
  while (const Certificate certificate = read_certificate(bio.get())) {
    if (X509_STORE_add_cert(store, certificate.get()) == 1) ++count;
  }
  ERR_clear_error();  // the end of the text counts as an error
  return count;
}

}  // namespace

std::string openssl_errors() {
  std::string text;
  while (const unsigned long code = ERR_get_error()) {
    std::array<char, 256> line{};
    ERR_error_string_n(code, line.data(), line.size());
    if (!text.empty()) text += "; ";
    text += line.data();
  }
  return text;
}

base::Result<Trust::Store> Trust::read(std::string_view ca_pem) {
  Store store(X509_STORE_new());
  if (ca_pem.empty()) {
    if (X509_STORE_set_default_paths(store.get()) != 1) {
      return base::invalid("cannot read the system's certificate authorities")
          .with_detail(openssl_errors());
    }
  } else if (add_all(store.get(), ca_pem) == 0) {
    return base::invalid("no certificate in the certificate authority's text")
        .with_hint("give one or more PEM blocks that begin with BEGIN CERTIFICATE");
  }
  return store;
}

base::Result<std::shared_ptr<Trust>> Trust::make(std::string_view ca_pem) {
  TRY(Store store, read(ca_pem));
  return std::shared_ptr<Trust>(new Trust(std::move(store), ca_pem));
}

void Trust::renew(std::string_view ca_pem) {
  const std::lock_guard lock(mutex_);
  if (ca_pem.empty() || ca_pem == pem_) return;
  auto store = read(ca_pem);
  if (!store.ok()) return;
  store_ = std::move(store).value();  // contexts that have the old one hold it themselves
  pem_ = ca_pem;
}

void Trust::apply(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  {
    const std::lock_guard lock(mutex_);
    SSL_CTX_set1_cert_store(context, store_.get());
  }
  SSL_CTX_set_cert_verify_callback(context, &Trust::verify, this);
}

int Trust::verify(X509_STORE_CTX* context, void* self) {
  auto& trust = *static_cast<Trust*>(self);
  const int verified = X509_verify_cert(context);
  const int error = X509_STORE_CTX_get_error(context);
  const std::lock_guard lock(trust.mutex_);
  if (verified == 1) {
    trust.refusal_.clear();
  } else if (error == X509_V_OK || error == X509_V_ERR_UNSPECIFIED) {
    // The chain is good; what our side refused after it is the name.
    trust.refusal_ = "the certificate is not for this host";
  } else {
    trust.refusal_ = X509_verify_cert_error_string(error);
  }
  return verified;
}

std::string Trust::refusal() const {
  const std::lock_guard lock(mutex_);
  return refusal_;
}

base::Result<void> use_identity(SSL_CTX* context, const ClientIdentity& identity) {
  const Bio chain = reader(identity.certificate_pem);
  const Certificate leaf = read_certificate(chain.get());
  if (!leaf || SSL_CTX_use_certificate(context, leaf.get()) != 1) {
    return base::invalid("the client certificate cannot be used").with_detail(openssl_errors());
  }
  while (const Certificate next = read_certificate(chain.get())) {
    SSL_CTX_add1_chain_cert(context, next.get());
  }
  ERR_clear_error();
  const Bio text = reader(identity.key_pem);
  const Key key(PEM_read_bio_PrivateKey(text.get(), nullptr, nullptr, nullptr));
  if (!key || SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    return base::invalid("the client certificate's key cannot be used")
        .with_detail(openssl_errors());
  }
  return {};
}

}  // namespace lockkeeper::http
