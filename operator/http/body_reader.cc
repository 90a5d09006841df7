#include "operator/http/body_reader.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace lockkeeper::http {
namespace {

constexpr std::size_t longest_head = std::size_t{64} << 10U;
constexpr std::size_t portion = std::size_t{16} << 10U;
constexpr std::string_view line_end = "\r\n";
constexpr int no_content = 204;
constexpr int not_modified = 304;
constexpr int first_final = 200;  // what is below is followed by the answer proper

base::Error not_http() {
  return base::unavailable("the answer is not HTTP");
}

class Reader {
 public:
  Reader(const ReadSome& read, std::size_t max_body) : read_(read), max_body_(max_body) {}

  base::Result<Response> work() {
    Response response;
    do {
      response = {};
      TRY(const std::string head, take_head());
      TRY_OK(parse_head(head, response));
    } while (response.status < first_final);
    if (response.status == no_content || response.status == not_modified) return response;
    TRY_OK(read_body(response));
    return response;
  }

 private:
  // True when there is more in the buffer now; false at the end.
  base::Result<bool> more() {
    std::array<char, portion> bytes{};
    TRY(const std::size_t count, read_(bytes.data(), bytes.size()));
    buffer_.append(bytes.data(), count);
    return count > 0;
  }

  // The text up to the mark, which is taken off with it.
  base::Result<std::string> take_until(std::string_view mark, std::size_t longest) {
    std::size_t at = buffer_.find(mark);
    while (at == std::string::npos) {
      if (buffer_.size() > longest) return not_http();
      TRY(const bool arrived, more());
      if (!arrived) return base::unavailable("the answer ended too early");
      at = buffer_.find(mark);
    }
    std::string text = buffer_.substr(0, at);
    buffer_.erase(0, at + mark.size());
    return text;
  }
  base::Result<std::string> take_head() { return take_until("\r\n\r\n", longest_head); }

  static base::Result<void> parse_head(std::string_view head, Response& response) {
    constexpr std::string_view start = "HTTP/1.";
    constexpr std::size_t code_at = 9;
    constexpr std::size_t code_size = 3;
    if (!head.starts_with(start) || head.size() < code_at + code_size) return not_http();
    const char* code = head.data() + code_at;
    const auto [end, error] = std::from_chars(code, code + code_size, response.status);
    if (error != std::errc{} || end != code + code_size) return not_http();
    for (auto at = head.find(line_end); at != std::string_view::npos; at = head.find(line_end)) {
      head.remove_prefix(at + line_end.size());
      const std::string_view line = head.substr(0, head.find(line_end));
      const auto colon = line.find(':');
      if (colon == std::string_view::npos) return not_http();
      std::string_view value = line.substr(colon + 1);
      while (value.starts_with(' ') || value.starts_with('\t')) value.remove_prefix(1);
      while (value.ends_with(' ') || value.ends_with('\t')) value.remove_suffix(1);
      response.headers.emplace_back(line.substr(0, colon), value);
    }
    return {};
  }

  base::Result<void> read_body(Response& response) {
    const auto coding = find_header(response.headers, "Transfer-Encoding");
    if (coding && coding->find("chunked") != std::string_view::npos) return read_chunks(response);
    const auto length = find_header(response.headers, "Content-Length");
    if (!length) return read_all(response);
    std::size_t size = 0;
    const auto [end, error] = std::from_chars(length->begin(), length->end(), size);
    if (error != std::errc{} || end != length->end()) return not_http();
    return read_exactly(size, response);
  }

  [[nodiscard]] bool full(const Response& response) const {
    return response.body.size() >= max_body_;
  }

  // Moves up to `most` bytes of the buffer into the body.
  std::size_t move_over(std::size_t most, Response& response) {
    const std::size_t count = std::min(most, buffer_.size());
    response.body.append(buffer_, 0, std::min(count, max_body_ - response.body.size()));
    buffer_.erase(0, count);
    return count;
  }

  base::Result<void> read_exactly(std::size_t size, Response& response) {
    while (size > 0 && !full(response)) {
      if (buffer_.empty()) {
        TRY(const bool arrived, more());
        if (!arrived) return base::unavailable("the answer ended too early");
      }
      size -= move_over(size, response);
    }
    return {};
  }

  base::Result<void> read_all(Response& response) {
    while (!full(response)) {
      move_over(buffer_.size(), response);
      TRY(const bool arrived, more());
      if (!arrived) return {};
    }
    return {};
  }

  base::Result<void> read_chunks(Response& response) {
    constexpr std::size_t longest_line = 1'024;
    constexpr int hexadecimal = 16;
    while (!full(response)) {
      TRY(const std::string line, take_until(line_end, longest_line));
      std::size_t size = 0;
      const char* last = line.data() + std::min(line.find(';'), line.size());
      const auto [end, error] = std::from_chars(line.data(), last, size, hexadecimal);
      if (error != std::errc{} || end != last) return not_http();
      if (size == 0) return {};
      TRY_OK(read_exactly(size, response));
      if (full(response)) return {};
      TRY(const std::string nothing, take_until(line_end, longest_line));
      if (!nothing.empty()) return not_http();
    }
    return {};
  }

  const ReadSome& read_;
  const std::size_t max_body_;
  std::string buffer_;
};

}  // namespace

base::Result<Response> read_response(const ReadSome& read, std::size_t max_body) {
  return Reader(read, max_body).work();
}

}  // namespace lockkeeper::http
