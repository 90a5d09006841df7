#include "operator/http/resolve.h"

#include <array>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>

namespace lockkeeper::http {
namespace {

struct Lookup {
  std::mutex mutex;
  std::condition_variable_any answered;
  bool done = false;
  std::vector<Address> addresses;
  std::string error;
};

std::string numeric(const addrinfo& found) {
  std::array<char, NI_MAXHOST> text{};
  const int rc = getnameinfo(found.ai_addr, found.ai_addrlen, text.data(), text.size(), nullptr, 0,
                             NI_NUMERICHOST);
  return rc == 0 ? text.data() : "";
}

void look_up(Lookup& lookup, const std::string& host, const std::string& port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int rc = getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
  const std::lock_guard lock(lookup.mutex);
  if (rc != 0) lookup.error = gai_strerror(rc);
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    Address address;
    address.text = numeric(*each);
    address.size = each->ai_addrlen;
    std::memcpy(&address.socket, each->ai_addr, each->ai_addrlen);
    if (!address.text.empty()) lookup.addresses.push_back(std::move(address));
  }
  if (found != nullptr) freeaddrinfo(found);
  lookup.done = true;
  lookup.answered.notify_all();
}

}  // namespace

base::Result<std::vector<Address>> resolve(const base::Context& ctx, const std::string& host,
                                           const std::string& port, base::Clock::Duration limit) {
  const auto lookup = std::make_shared<Lookup>();
  std::thread([lookup, host, port] { look_up(*lookup, host, port); }).detach();
  std::unique_lock lock(lookup->mutex);
  if (!lookup->answered.wait_for(lock, ctx.stop(), limit, [&] { return lookup->done; })) {
    TRY_OK(ctx.check());
    return base::unavailable("cannot resolve " + host + " in time");
  }
  if (lookup->addresses.empty()) {
    return base::unavailable("cannot resolve " + host).with_detail(lookup->error);
  }
  return lookup->addresses;
}

}  // namespace lockkeeper::http
