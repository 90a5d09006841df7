// An API server that knows one kind, Lease, and nothing else: versions, conflicts and absences as
// the real one has them. Thread-safe.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "dbcore/base/mutex.h"
#include "operator/http/transport.h"

namespace lockkeeper::kube {

class FakeLeases final : public http::Transport {
 public:
  FakeLeases();
  ~FakeLeases() override;

  base::Result<http::Response> send(const base::Context& ctx,
                                    const http::Request& request) override;
  base::Result<http::Response> stream(const base::Context& ctx, const http::Request& request,
                                      const http::ChunkSink& sink) override;

  // Every request fails until it is taken back.
  void break_down(bool broken);
  [[nodiscard]] std::string holder() const;
  [[nodiscard]] int transitions() const;
  [[nodiscard]] int writes() const;

 private:
  http::Response get() LK_REQUIRES(mutex_);
  http::Response write(const http::Request& request) LK_REQUIRES(mutex_);

  mutable base::Mutex mutex_;
  std::unique_ptr<nlohmann::json> lease_ LK_GUARDED_BY(mutex_);
  int version_ LK_GUARDED_BY(mutex_) = 0;
  bool broken_ LK_GUARDED_BY(mutex_) = false;
};

}  // namespace lockkeeper::kube
