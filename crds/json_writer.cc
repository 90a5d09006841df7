#include <algorithm>
#include <nlohmann/json.hpp>

#include "crds/duration.h"
#include "crds/json.h"

namespace lockkeeper::crds {
namespace {

// At most max bytes, which is at most max characters, cut between characters.
std::string cut(const std::string& text, std::size_t max) {
  if (text.size() <= max) return text;
  const std::string_view mark = max > 8 ? "..." : "";
  std::size_t end = max - mark.size();
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end) + std::string(mark);
}

class Writer final : public Fields {
 public:
  Writer(Json& root, bool cut) : stack_{&root}, cut_(cut) {}

  using Fields::boolean;
  using Fields::choice;
  using Fields::duration;
  using Fields::integer;
  using Fields::text;

  void text(std::string_view name, std::optional<std::string>& value, const Text& rule) override {
    if (value) put(name, cut_ ? cut(*value, rule.max) : *value);
  }
  void boolean(std::string_view name, std::optional<bool>& value) override {
    if (value) put(name, *value);
  }
  void integer(std::string_view name, std::optional<std::int64_t>& value, const Integer&) override {
    if (value) put(name, *value);
  }
  void number(std::string_view name, std::optional<double>& value) override {
    if (value) put(name, *value);
  }
  void duration(std::string_view name, std::optional<std::chrono::milliseconds>& value,
                const Duration&) override {
    if (value) put(name, format_duration(*value));
  }
  void time(std::string_view name, std::optional<Time>& value, Presence) override {
    if (value) put(name, format_time(*value));
  }
  void texts(std::string_view name, std::vector<std::string>& value, const List& rule,
             const Text&) override {
    if (rule.required || !value.empty()) put(name, value);
  }
  void parameters(std::string_view name, Parameters& value, const List& rule,
                  const Text&) override {
    if (!rule.required && value.empty()) return;
    Json object = Json::object();
    for (const auto& [key, text_value] : value) object[key] = text_value;
    put(name, std::move(object));
  }
  void choice(std::string_view name, std::optional<std::size_t>& value,
              std::span<const std::string_view> names, Presence) override {
    if (value && *value < names.size()) put(name, std::string(names[*value]));
  }
  void check(bool, std::string_view, std::string_view) override {}

 protected:
  bool enter(std::string_view name, bool present, Presence) override {
    if (!present) return false;
    Json& member = (*stack_.back())[std::string(name)];
    member = Json::object();
    stack_.push_back(&member);
    return true;
  }
  void leave() override { stack_.pop_back(); }

  std::size_t enter_list(std::string_view name, std::size_t size, const List& rule) override {
    if (cut_) size = std::min(size, rule.max);
    if (size == 0 && !rule.required) {
      stack_.push_back(nullptr);
      return 0;
    }
    Json& member = (*stack_.back())[std::string(name)];
    member = Json::array();
    for (std::size_t i = 0; i < size; ++i) member.push_back(Json::object());
    stack_.push_back(&member);
    return size;
  }
  bool enter_item(std::size_t index) override {
    stack_.push_back(&(*stack_.back())[index]);
    return true;
  }
  void leave_list() override { stack_.pop_back(); }

  std::vector<std::size_t> alternatives(std::size_t current,
                                        std::span<const std::string_view>) override {
    return {current};
  }

 private:
  template <typename T>
  void put(std::string_view name, T&& value) {
    (*stack_.back())[std::string(name)] = std::forward<T>(value);
  }

  std::vector<Json*> stack_;
  bool cut_;
};

}  // namespace

Json json::write(void* value, Visit visit, bool cut) {
  Json root = Json::object();
  Writer writer(root, cut);
  visit(writer, value);
  return root;
}

}  // namespace lockkeeper::crds
