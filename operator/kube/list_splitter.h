// Cuts the JSON text of a list into its items as it arrives, so that ten thousand objects are never
// in memory as one text and one tree. One owner.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace lockkeeper::kube {

class ListSplitter {
 public:
  using Sink = std::function<bool(std::string_view item)>;

  // Gives the text of each object of the top-level member "items" to the sink; false as soon as the
  // sink says so. Text that is not JSON is not noticed here: what is cut out of it does not parse.
  bool take(std::string_view chunk, const Sink& sink);
  // The list without its items: "{..., "items":[], "metadata":{...}}".
  [[nodiscard]] const std::string& frame() const { return frame_; }

 private:
  void in_string(char c);
  bool outside_of_strings(char c, std::size_t at, const Sink& sink);
  void opened(char c, std::size_t at);
  bool closed(std::size_t at, const Sink& sink);
  // What was not given away yet goes to where it belongs, up to end.
  void flush(std::size_t end);

  std::string_view chunk_;  // while it is being taken
  std::size_t begin_ = 0;   // of what is not given away yet
  std::string frame_;
  std::string item_;  // of an item that is not whole yet
  std::string word_;  // the last string at the top level
  int depth_ = 0;
  bool string_ = false;
  bool escaped_ = false;
  bool items_ = false;   // inside of the array
  bool inside_ = false;  // of an item
};

}  // namespace lockkeeper::kube
