// Waiting for a condition in a test, with a bound. Never sleep for a fixed time: await what you
// need.
#pragma once

#include <chrono>
#include <functional>

namespace lockkeeper::support {

// Asks every 10 ms until condition() is true; false when timeout passed first. Uses the real clock.
//   ASSERT_TRUE(await([&] { return store.size() == 3; }));
[[nodiscard]] bool await(const std::function<bool()>& condition,
                         std::chrono::milliseconds timeout = std::chrono::seconds(20));

}  // namespace lockkeeper::support
