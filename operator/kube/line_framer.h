// Cuts a stream of chunks into lines. One owner.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace lockkeeper::kube {

class LineFramer {
 public:
  // Gives each whole line, without its newline, to sink(line) -> bool; empty lines are skipped.
  // False as soon as the sink says so. What follows the last newline waits for the next chunk.
  template <typename Sink>
  bool take(std::string_view chunk, const Sink& sink) {
    while (true) {
      const auto end = chunk.find('\n');
      if (end == std::string_view::npos) {
        rest_ += chunk;
        return true;
      }
      if (!give(chunk.substr(0, end), sink)) return false;
      chunk.remove_prefix(end + 1);
    }
  }

 private:
  template <typename Sink>
  bool give(std::string_view end_of_line, const Sink& sink) {
    if (rest_.empty()) return end_of_line.empty() || sink(end_of_line);
    rest_ += end_of_line;
    const std::string line = std::exchange(rest_, {});
    return sink(std::string_view(line));
  }

  std::string rest_;
};

}  // namespace lockkeeper::kube
