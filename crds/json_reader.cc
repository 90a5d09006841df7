#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "crds/duration.h"
#include "crds/json.h"

namespace lockkeeper::crds {
namespace {

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

std::string join(std::span<const std::string_view> names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

class Reader final : public Fields {
 public:
  Reader(std::string_view path, bool strict) : path_(path), strict_(strict) {}

  using Fields::boolean;
  using Fields::choice;
  using Fields::duration;
  using Fields::integer;
  using Fields::text;

  bool begin(const Json& object) {
    if (!object.is_object()) {
      fail({}, fmt::format("must be an object, not {}", object.type_name()));
      return false;
    }
    frames_.push_back(Frame{&object, path_.size(), {}});
    return true;
  }

  void text(std::string_view name, std::optional<std::string>& value, const Text& rule) override {
    const Json* found = scalar(name, rule.required, &Json::is_string, "a string");
    if (found == nullptr) return;
    const auto& given = found->get_ref<const std::string&>();
    if (strict_ && !accept_text(name, given, rule)) return;
    value = given;
  }

  void boolean(std::string_view name, std::optional<bool>& value) override {
    const Json* found = scalar(name, false, &Json::is_boolean, "true or false");
    if (found != nullptr) value = found->get<bool>();
  }

  void integer(std::string_view name, std::optional<std::int64_t>& value,
               const Integer& rule) override {
    const Json* found = scalar(name, rule.required, &Json::is_number_integer, "a whole number");
    if (found == nullptr) return;
    const bool too_big =
        found->is_number_unsigned() &&
        found->get<std::uint64_t>() > static_cast<std::uint64_t>(rule.max < 0 ? 0 : rule.max);
    const auto given = too_big ? rule.max : found->get<std::int64_t>();
    if (too_big || given < rule.min || given > rule.max) {
      if (strict_) {
        fail(name, fmt::format("must be between {} and {}", rule.min, rule.max));
      }
      return;
    }
    value = given;
  }

  void number(std::string_view name, std::optional<double>& value) override {
    const Json* found = scalar(name, false, &Json::is_number, "a number");
    if (found != nullptr) value = found->get<double>();
  }

  void duration(std::string_view name, std::optional<std::chrono::milliseconds>& value,
                const Duration& rule) override {
    const Json* found = scalar(name, rule.required, &Json::is_string, "a duration such as 10m");
    if (found == nullptr) return;
    const auto& given = found->get_ref<const std::string&>();
    const auto parsed = parse_duration(given);
    if (!parsed) {
      fail(name,
           fmt::format("\"{}\" is not a duration such as 500ms, 10m or 72h30m", excerpt(given)));
    } else if (strict_ && (*parsed < rule.min || *parsed > rule.max)) {
      fail(name, fmt::format("must be between {} and {}", format_duration(rule.min),
                             format_duration(rule.max)));
    } else {
      value = parsed;
    }
  }

  void time(std::string_view name, std::optional<Time>& value, Presence presence) override {
    const Json* found = scalar(name, presence == Presence::required, &Json::is_string, "a time");
    if (found == nullptr) return;
    const auto parsed = parse_time(found->get_ref<const std::string&>());
    if (!parsed) return fail(name, "must be a time such as 2026-11-22T12:00:00Z");
    value = parsed;
  }

  void texts(std::string_view name, std::vector<std::string>& value, const List& rule,
             const Text& item) override {
    const Json* found = items(name, rule);
    if (found == nullptr) return;
    std::set<std::string_view> seen;
    for (std::size_t i = 0; i < found->size() && !error_; ++i) {
      const Json& entry = (*found)[i];
      const std::string at = fmt::format("{}[{}]", name, i);
      if (!entry.is_string()) return wrong_type(at, "a string", entry);
      const auto& given = entry.get_ref<const std::string&>();
      if (strict_ && !accept_text(at, given, item)) return;
      if (strict_ && rule.unique && !seen.insert(given).second) {
        return fail(at, fmt::format("\"{}\" is in the list already", excerpt(given)));
      }
      value.push_back(given);
    }
  }

  void parameters(std::string_view name, Parameters& value, const List& rule,
                  const Text& item) override {
    const Json* found = scalar(name, rule.required, &Json::is_object, "an object");
    if (found == nullptr) return;
    if (found->size() > rule.max) {
      return fail(name, fmt::format("has {} entries, at most {}", found->size(), rule.max));
    }
    for (const auto& [key, entry] : found->items()) {
      const std::string at = fmt::format("{}.{}", name, key);
      if (!accept_text(at, key, item)) return;
      if (entry.is_number_integer()) {
        value.emplace_back(key, entry.dump());
      } else if (entry.is_string()) {
        const auto& given = entry.get_ref<const std::string&>();
        if (!accept_text(at, given, item)) return;
        value.emplace_back(key, given);
      } else {
        return wrong_type(at, "a string or a whole number", entry);
      }
    }
  }

  void choice(std::string_view name, std::optional<std::size_t>& value,
              std::span<const std::string_view> names, Presence presence) override {
    const bool required = presence == Presence::required;
    const Json* found = scalar(name, required, &Json::is_string, "a string");
    if (found == nullptr) return;
    const auto& given = found->get_ref<const std::string&>();
    const auto at = std::find(names.begin(), names.end(), given);
    if (at != names.end()) {
      value = static_cast<std::size_t>(at - names.begin());
    } else if (strict_) {
      fail(name, fmt::format("\"{}\" is not one of {}", excerpt(given), join(names)));
    }
  }

  void check(bool holds, std::string_view field, std::string_view message) override {
    if (!holds && strict_ && !error_) fail(field, std::string(message));
  }

  base::Result<void> finish() {
    if (!error_) close_frame();
    if (error_) return std::move(*error_);
    return base::ok();
  }

 protected:
  bool enter(std::string_view name, bool, Presence presence) override {
    const Json* found = member(name, presence == Presence::required);
    if (found == nullptr) return false;
    if (!found->is_object()) {
      wrong_type(name, "an object", *found);
      return false;
    }
    frames_.push_back(Frame{found, path_.size(), {}});
    path_ = join_path(name);
    return true;
  }

  void leave() override {
    close_frame();
    path_.resize(frames_.back().path_size);
    frames_.pop_back();
  }

  std::size_t enter_list(std::string_view name, std::size_t, const List& rule) override {
    const Json* found = items(name, rule);
    lists_.push_back(OpenList{found, path_.size()});
    path_ = join_path(name);
    return found == nullptr ? 0 : found->size();
  }

  bool enter_item(std::size_t index) override {
    if (error_) return false;
    const Json& item = (*lists_.back().items)[index];
    if (!item.is_object()) {
      wrong_type(fmt::format("[{}]", index), "an object", item);
      return false;
    }
    frames_.push_back(Frame{&item, path_.size(), {}});
    path_ += fmt::format("[{}]", index);
    return true;
  }

  void leave_list() override {
    path_.resize(lists_.back().path_size);
    lists_.pop_back();
  }

  std::vector<std::size_t> alternatives(std::size_t,
                                        std::span<const std::string_view> names) override {
    if (error_) return {};
    const Json& object = *frames_.back().object;
    std::vector<std::size_t> present;
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (object.contains(std::string(names[i]))) present.push_back(i);
    }
    if (present.size() == 1) return present;
    for (const std::string_view name : names) frames_.back().known.insert(name);
    if (object.size() > present.size()) return {};  // the unknown field is the better error
    fail({}, present.empty() ? fmt::format("must have exactly one key, one of {}", join(names))
                             : fmt::format("must have exactly one key, not {}: {} and {}",
                                           present.size(), names[present[0]], names[present[1]]));
    return {};
  }

 private:
  struct Frame {
    const Json* object;
    std::size_t path_size;  // of the path outside
    std::set<std::string_view> known;
  };
  struct OpenList {
    const Json* items;
    std::size_t path_size;
  };

  static std::string excerpt(std::string_view text) {
    if (text.size() <= 64) return std::string(text);
    std::size_t end = 60;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    return std::string(text.substr(0, end)) + "...";
  }

  [[nodiscard]] std::string join_path(std::string_view name) const {
    if (name.empty() || path_.empty() || name.front() == '[') return path_ + std::string(name);
    return path_ + "." + std::string(name);
  }

  void fail(std::string_view name, std::string message) {
    if (!error_) error_ = base::invalid(std::move(message)).with_path(join_path(name));
  }

  void wrong_type(std::string_view name, std::string_view wanted, const Json& found) {
    fail(name, fmt::format("must be {}, not {}", wanted, found.type_name()));
  }

  const Json* member(std::string_view name, bool required) {
    if (error_) return nullptr;
    Frame& frame = frames_.back();
    frame.known.insert(name);
    const auto found = frame.object->find(std::string(name));
    if (found != frame.object->end() && (strict_ || !found->is_null())) return &*found;
    if (required && strict_) fail(name, "is required");
    return nullptr;
  }

  const Json* scalar(std::string_view name, bool required, bool (Json::*is)() const noexcept,
                     std::string_view wanted) {
    const Json* found = member(name, required);
    if (found == nullptr || (found->*is)()) return found;
    wrong_type(name, wanted, *found);
    return nullptr;
  }

  const Json* items(std::string_view name, const List& rule) {
    const Json* found = scalar(name, rule.required, &Json::is_array, "a list");
    if (found == nullptr || !strict_) return found;
    if (found->size() > rule.max) {
      fail(name, fmt::format("has {} items, at most {}", found->size(), rule.max));
    } else if (found->size() < rule.min) {
      fail(name, fmt::format("has {} items, at least {}", found->size(), rule.min));
    }
    return error_ ? nullptr : found;
  }

  bool accept_text(std::string_view name, const std::string& given, const Text& rule) {
    bytes_ += given.size();
    const std::size_t size = rule.bytes ? given.size() : characters(given);
    const std::string_view unit = rule.bytes ? "bytes" : "characters";
    if (size > rule.max) {
      fail(name, fmt::format("has {} {}, at most {}", size, unit, rule.max));
    } else if (size < rule.min) {
      fail(name, size == 0 ? std::string("must not be empty")
                           : fmt::format("has {} {}, at least {}", size, unit, rule.min));
    } else if (given.find('\0') != std::string::npos) {
      fail(name, "must not contain a zero character");
    } else if (bytes_ > max_text_bytes) {
      fail(name, fmt::format("all strings together are longer than {} bytes", max_text_bytes));
    } else {
      accept_shape(name, given, rule);
    }
    return !error_;
  }

  void accept_shape(std::string_view name, const std::string& given, const Text& rule) {
    if (rule.shape != nullptr && !rule.shape->accepts(given)) {
      fail(name, fmt::format("\"{}\" is not {}", excerpt(given), rule.shape->meaning));
    } else if (!rule.one_of.empty() &&
               std::find(rule.one_of.begin(), rule.one_of.end(), given) == rule.one_of.end()) {
      fail(name, fmt::format("\"{}\" is not one of {}", excerpt(given), join(rule.one_of)));
    }
  }

  void close_frame() {
    if (error_ || !strict_) return;
    const Frame& frame = frames_.back();
    for (const auto& [key, value] : frame.object->items()) {
      if (frame.known.contains(key)) continue;
      const std::vector<std::string_view> known(frame.known.begin(), frame.known.end());
      fail(excerpt(key), "unknown field");
      error_->hint = fmt::format("the fields here are {}", join(known));
      return;
    }
  }

  std::string path_;
  bool strict_;
  std::vector<Frame> frames_;
  std::vector<OpenList> lists_;
  std::size_t bytes_ = 0;
  std::optional<base::Error> error_;
};

}  // namespace

base::Result<void> json::read(const Json& object, std::string_view path, bool strict, void* value,
                              Visit visit) {
  Reader reader(path, strict);
  if (reader.begin(object)) visit(reader, value);
  return reader.finish();
}

}  // namespace lockkeeper::crds
