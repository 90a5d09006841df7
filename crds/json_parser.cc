#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "crds/json.h"

namespace lockkeeper::crds {
namespace {

constexpr std::size_t max_depth = 64;

// Builds the tree with the library's own builder, but looks at keys and depth on the way.
class CarefulBuilder final : public nlohmann::json_sax<Json> {
 public:
  explicit CarefulBuilder(Json& root) : builder_(root, false) {}

  bool null() override { return builder_.null(); }
  bool boolean(bool value) override { return builder_.boolean(value); }
  bool number_integer(number_integer_t value) override { return builder_.number_integer(value); }
  bool number_unsigned(number_unsigned_t value) override { return builder_.number_unsigned(value); }
  bool number_float(number_float_t value, const string_t& text) override {
    return builder_.number_float(value, text);
  }
  bool string(string_t& value) override { return builder_.string(value); }
  bool binary(binary_t& value) override { return builder_.binary(value); }

  bool start_object(std::size_t elements) override {
    keys_.emplace_back();
    return deep_enough() && builder_.start_object(elements);
  }
  bool key(string_t& value) override {
    if (!keys_.back().insert(value).second) {
      return fail(fmt::format("the key \"{}\" is given twice", value));
    }
    return builder_.key(value);
  }
  bool end_object() override {
    keys_.pop_back();
    return builder_.end_object();
  }
  bool start_array(std::size_t elements) override {
    keys_.emplace_back();
    return deep_enough() && builder_.start_array(elements);
  }
  bool end_array() override {
    keys_.pop_back();
    return builder_.end_array();
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    return fail(fmt::format("not valid JSON at byte {}", position));
  }

  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  bool fail(std::string problem) {
    if (problem_.empty()) problem_ = std::move(problem);
    return false;
  }
  bool deep_enough() {
    return keys_.size() <= max_depth || fail(fmt::format("nested deeper than {}", max_depth));
  }

  nlohmann::detail::json_sax_dom_parser<Json> builder_;
  std::vector<std::set<std::string>> keys_;
  std::string problem_;
};

}  // namespace

base::Result<Json> parse_json(std::string_view text) {
  Json root;
  CarefulBuilder builder(root);
  if (Json::sax_parse(text.begin(), text.end(), &builder)) return root;
  return base::invalid(builder.problem());
}

}  // namespace lockkeeper::crds
