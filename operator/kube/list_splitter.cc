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

void ListSplitter::flush(std::size_t end) {
  (inside_ ? item_ : frame_).append(chunk_.substr(begin_, end - begin_));
  begin_ = end;
}

void ListSplitter::opened(char c, std::size_t at) {
  if (c == '[' && depth_ == top && word_ == "items") items_ = true;
  if (c == '{' && depth_ == in_items && items_) {
    flush(at);
    inside_ = true;
  }
  ++depth_;
}

bool ListSplitter::closed(std::size_t at, const Sink& sink) {
  --depth_;
  if (depth_ == top) items_ = false;
  if (!inside_ || depth_ != in_items) return true;
  flush(at + 1);
  inside_ = false;
  const std::string item = std::exchange(item_, {});
  return sink(item);
}

bool ListSplitter::outside_of_strings(char c, std::size_t at, const Sink& sink) {
  switch (c) {
    case '"':
      string_ = true;
      if (depth_ == top) word_.clear();
      return true;
    case '{':
    case '[': opened(c, at); return true;
    case '}':
    case ']': return closed(at, sink);
    case ',':
      if (!items_ || depth_ != in_items) return true;
      flush(at);  // the frame keeps no comma between items that it does not have
      begin_ = at + 1;
      return true;
    default: return true;
  }
}

bool ListSplitter::take(std::string_view chunk, const Sink& sink) {
  chunk_ = chunk;
  begin_ = 0;
  for (std::size_t at = 0; at < chunk.size(); ++at) {
    if (string_) {
      in_string(chunk[at]);
    } else if (!outside_of_strings(chunk[at], at, sink)) {
      return false;
    }
  }
  flush(chunk.size());
  return true;
}

}  // namespace lockkeeper::kube
