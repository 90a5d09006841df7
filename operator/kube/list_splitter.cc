#include "operator/kube/list_splitter.h"

#include <utility>

namespace lockkeeper::kube {
namespace {

constexpr int top = 1;       // inside of the list object
constexpr int in_items = 2;  // inside of its array

}  // namespace

void ListSplitter::in_string(char c) {
  if (escaped_) {
    escaped_ = false;
  } else if (c == '\\') {
    escaped_ = true;
  } else if (c == '"') {
    string_ = false;
    return;
  }
  if (depth_ == top) word_ += c;
}

void ListSplitter::opened(char c) {
  if (c == '[' && depth_ == top && word_ == "items") items_ = true;
  if (c == '{' && depth_ == in_items && items_) inside_ = true;
  ++depth_;
}

void ListSplitter::closed() {
  --depth_;
  if (depth_ == top) items_ = false;
}

bool ListSplitter::take(std::string_view chunk, const Sink& sink) {
  std::size_t begin = 0;  // of what is not given away yet
  const auto flush = [&](std::size_t end) {
    (inside_ ? item_ : frame_).append(chunk.substr(begin, end - begin));
    begin = end;
  };
  for (std::size_t i = 0; i < chunk.size(); ++i) {
    const char c = chunk[i];
    if (string_) {
      in_string(c);
    } else if (c == '"') {
      string_ = true;
      if (depth_ == top) word_.clear();
    } else if (c == '{' || c == '[') {
      const bool before = inside_;
      if (!before && items_ && depth_ == in_items && c == '{') flush(i);
      opened(c);
    } else if (c == '}' || c == ']') {
      closed();
      if (!inside_ || depth_ != in_items) continue;
      flush(i + 1);
      inside_ = false;
      const std::string item = std::exchange(item_, {});
      if (!sink(item)) return false;
    } else if (c == ',' && items_ && depth_ == in_items) {
      flush(i);  // the frame keeps no comma between items that it does not have
      begin = i + 1;
    }
  }
  flush(chunk.size());
  return true;
}

}  // namespace lockkeeper::kube
