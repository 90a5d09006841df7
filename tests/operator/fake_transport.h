// A transport without a network: a function answers each request; what was asked is kept. Its
// function may be called from several threads.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "dbcore/base/mutex.h"
#include "operator/http/transport.h"

namespace lockkeeper::http {

class FakeTransport final : public Transport {
 public:
  using Answer = std::function<base::Result<Response>(const Request&)>;

  FakeTransport() = default;
  explicit FakeTransport(Answer answer) : answer_(std::move(answer)) {}

  // The next request gets this; what comes after the last one gets answer, or 500.
  void play(base::Result<Response> response) {
    const base::Lock lock(mutex_);
    script_.push_back(std::move(response));
  }

  base::Result<Response> send(const base::Context& ctx, const Request& request) override {
    TRY_OK(ctx.check());
    return answer(request);
  }

  // A body is given to the sink in two halves, so that whoever frames it has something to do.
  base::Result<Response> stream(const base::Context& ctx, const Request& request,
                                const ChunkSink& sink) override {
    TRY_OK(ctx.check());
    TRY(Response response, answer(request));
    if (!response.ok()) return response;
    const std::string body = std::exchange(response.body, {});
    const std::string_view text(body);
    if (!text.empty() && sink(text.substr(0, text.size() / 2))) sink(text.substr(text.size() / 2));
    return response;
  }

  [[nodiscard]] std::vector<Request> requests() const {
    const base::Lock lock(mutex_);
    return requests_;
  }

 private:
  base::Result<Response> answer(const Request& request) {
    {
      const base::Lock lock(mutex_);
      requests_.push_back(request);
      if (!script_.empty()) {
        auto response = std::move(script_.front());
        script_.pop_front();
        return response;
      }
    }
    if (answer_) return answer_(request);
    return Response{.status = 500, .body = "the script has ended"};
  }

  Answer answer_;
  mutable base::Mutex mutex_;
  std::deque<base::Result<Response>> script_ LK_GUARDED_BY(mutex_);
  std::vector<Request> requests_ LK_GUARDED_BY(mutex_);
};

}  // namespace lockkeeper::http
