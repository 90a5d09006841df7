#include "operator/server/certificate.h"

#include <openssl/ec.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "operator/http/trust.h"

namespace lockkeeper::server {
namespace {

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct FreeX509 {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
struct FreeExtension {
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
};
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;
using X509Certificate = std::unique_ptr<X509, FreeX509>;
using Extension = std::unique_ptr<X509_EXTENSION, FreeExtension>;

constexpr long ten_years = 10L * 365 * 24 * 3600;
constexpr long an_hour = 3600;

TlsContext make_context() {
  TlsContext context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return context;
}

base::Error unusable(std::string_view what) {
  return base::invalid(std::string(what)).with_detail(http::openssl_errors());
}

base::Result<TlsContext> load(const Certificate& files) {
  auto context = make_context();
  if (SSL_CTX_use_certificate_chain_file(context.get(), files.certificate_file.c_str()) != 1) {
    return unusable("cannot use the certificate in " + files.certificate_file.string());
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), files.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return unusable("cannot use the key in " + files.key_file.string());
  }
  return context;
}

std::string host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.data();
}

void set_serial(X509* certificate) {
  std::uint64_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1U);
}

void set_names(X509* certificate) {
  X509_NAME* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("lockkeeper"), -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  const std::string others = "DNS:localhost,IP:127.0.0.1,DNS:" + host_name();
  const Extension extension(
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, others.c_str()));
  if (extension) X509_add_ext(certificate, extension.get(), -1);
}

base::Result<TlsContext> self_signed() {
  const Key key(EVP_EC_gen("P-256"));
  const X509Certificate certificate(X509_new());
  if (!key || !certificate) return unusable("cannot make a certificate");
  X509_set_version(certificate.get(), 2);
  set_serial(certificate.get());
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -an_hour);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), ten_years);
  X509_set_pubkey(certificate.get(), key.get());
  set_names(certificate.get());
  auto context = make_context();
  if (X509_sign(certificate.get(), key.get(), EVP_sha256()) == 0 ||
      SSL_CTX_use_certificate(context.get(), certificate.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1) {
    return unusable("cannot make a certificate");
  }
  return context;
}

bool from_files(const Certificate& certificate) {
  return !certificate.certificate_file.empty() || !certificate.key_file.empty();
}

}  // namespace

CertificateSource::Stamp CertificateSource::stamp_of(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return {};
  return {info.st_mtim.tv_sec, info.st_mtim.tv_nsec, info.st_ino};
}

CertificateSource::Stamps CertificateSource::stamps() const {
  return {stamp_of(files_.certificate_file), stamp_of(files_.key_file)};
}

base::Result<std::unique_ptr<CertificateSource>> CertificateSource::open(
    const Certificate& certificate) {
  if (certificate.certificate_file.empty() != certificate.key_file.empty()) {
    return base::invalid("a certificate file and a key file must be given together");
  }
  std::unique_ptr<CertificateSource> source(new CertificateSource(certificate));
  const base::Lock lock(source->mutex_);
  if (from_files(certificate)) {
    source->seen_ = source->stamps();
    TRY(source->context_, load(certificate));
  } else {
    TRY(source->context_, self_signed());
  }
  return source;
}

TlsContext CertificateSource::current(const base::Logger& log) {
  const base::Lock lock(mutex_);
  if (!from_files(files_)) return context_;
  const Stamps now = stamps();
  if (now == seen_) return context_;
  seen_ = now;
  auto loaded = load(files_);
  if (loaded.ok()) {
    context_ = std::move(loaded).value();
    log.info("certificate reloaded", {{"file", files_.certificate_file.string()}});
  } else {
    log.warn("certificate not reloaded", {{"error", loaded.error().text()}});
  }
  return context_;
}

}  // namespace lockkeeper::server
