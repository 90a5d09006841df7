// Certificate authorities and client certificates for OpenSSL, parsed once and shared by all the
// connections of an endpoint. Thread-safe.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "dbcore/base/result.h"
#include "operator/http/transport.h"

namespace lockkeeper::http {

class Trust {
 public:
  // The authorities of the PEM text; the system's when it is empty. invalid when there is none in
  // it.
  static base::Result<std::shared_ptr<Trust>> make(std::string_view ca_pem);

  // From the next connection on these authorities; what is the same, or no PEM, changes nothing.
  void renew(std::string_view ca_pem);
  // Makes a connection's context trust these authorities alone, speak TLS 1.2 or later, and tell
  // us why it refused a certificate.
  void apply(SSL_CTX* context);
  // Why the last certificate was refused; empty when none was.
  [[nodiscard]] std::string refusal() const;

 private:
  struct FreeStore {
    void operator()(X509_STORE* store) const { X509_STORE_free(store); }
  };
  using Store = std::unique_ptr<X509_STORE, FreeStore>;

  Trust(Store store, std::string_view ca_pem) : store_(std::move(store)), pem_(ca_pem) {}
  static base::Result<Store> read(std::string_view ca_pem);
  static int verify(X509_STORE_CTX* context, void* self);

  mutable std::mutex mutex_;
  Store store_;      // guarded by mutex_, as the rest
  std::string pem_;  // that it was made of
  std::string refusal_;
};

// Puts certificate, its chain and key into the context; invalid when they do not parse or match.
base::Result<void> use_identity(SSL_CTX* context, const ClientIdentity& identity);

// The text of OpenSSL's pending errors, which are taken off the queue.
std::string openssl_errors();

}  // namespace lockkeeper::http
