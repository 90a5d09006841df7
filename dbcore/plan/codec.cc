#include "dbcore/plan/codec.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>
#include <type_traits>

#include "dbcore/plan/canonical.h"
#include "dbcore/plan/codec_describe.h"
#include "dbcore/plan/enums.h"

namespace lockkeeper::plan {
namespace {

using nlohmann::json;

template <typename T>
concept Listed = requires {
  Words<T>::list;
};

template <typename T>
struct IsVector : std::false_type {};
template <typename T>
struct IsVector<std::vector<T>> : std::true_type {};
template <typename T>
struct IsOptional : std::false_type {};
template <typename T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <typename T>
concept Plain = std::is_arithmetic_v<T> || std::is_same_v<T, std::string>;

// describe() takes what it describes by reference, so that one description serves both ways; the
// writer never changes it.
template <typename T>
json written(const T& value);

struct Writer {
  json out = json::object();
  template <typename T>
  void operator()(const char* name, T& value) {
    if constexpr (IsOptional<T>::value) {
      if (value) out[name] = written(*value);
    } else {
      out[name] = written(value);
    }
  }
};

template <typename T>
json written(const T& value) {
  if constexpr (Listed<T>) {
    return std::string(word_of(value));
  } else if constexpr (Plain<T>) {
    return value;
  } else if constexpr (IsVector<T>::value) {
    json list = json::array();
    for (const auto& item : value) list.push_back(written(item));
    return list;
  } else {
    Writer writer;
    T copy = value;
    codec::describe(writer, copy);
    return std::move(writer.out);
  }
}

bool fits(const json& node, const bool& /*kind*/) {
  return node.is_boolean();
}
bool fits(const json& node, const std::string& /*kind*/) {
  return node.is_string();
}
bool fits(const json& node, const double& /*kind*/) {
  return node.is_number();
}
template <std::integral T>
bool fits(const json& node, const T& /*kind*/) {
  return std::is_unsigned_v<T> ? node.is_number_unsigned() : node.is_number_integer();
}

template <typename T>
void read(const json& node, const std::string& path, T& out, std::string& complaint);

struct Reader {
  const json& node;
  const std::string& path;
  std::string& complaint;
  std::set<std::string> known = {};

  template <typename T>
  void operator()(const char* name, T& value) {
    known.insert(name);
    const auto found = node.find(name);
    const std::string at = path.empty() ? name : path + "." + name;
    if constexpr (IsOptional<T>::value) {
      if (found != node.end()) read(*found, at, value.emplace(), complaint);
    } else if (found == node.end()) {
      if (complaint.empty()) complaint = at + " is missing";
    } else {
      read(*found, at, value, complaint);
    }
  }

  void refuse_unknown() {
    for (const auto& [name, value] : node.items()) {
      if (known.count(name) == 0 && complaint.empty())
        complaint = path + "." + name + " is unknown";
    }
  }
};

template <typename E>
void read_word(const json& node, const std::string& path, E& out, std::string& complaint) {
  const auto word = node.is_string() ? from_word<E>(node.get<std::string>()) : std::nullopt;
  if (word) {
    out = *word;
  } else if (complaint.empty()) {
    complaint = path + " has a value that is not known";
  }
}

template <typename T>
void read_list(const json& node, const std::string& path, T& out, std::string& complaint) {
  if (!node.is_array()) {
    if (complaint.empty()) complaint = path + " is not a list";
    return;
  }
  for (std::size_t i = 0; i < node.size(); ++i) {
    read(node[i], fmt::format("{}[{}]", path, i), out.emplace_back(), complaint);
  }
}

template <typename T>
void read(const json& node, const std::string& path, T& out, std::string& complaint) {
  if constexpr (Listed<T>) {
    read_word(node, path, out, complaint);
  } else if constexpr (Plain<T>) {
    if (fits(node, out)) {
      out = node.get<T>();
    } else if (complaint.empty()) {
      complaint = path + " has a value of another kind";
    }
  } else if constexpr (IsVector<T>::value) {
    read_list(node, path, out, complaint);
  } else if (!node.is_object()) {
    if (complaint.empty()) complaint = (path.empty() ? "the plan" : path) + " is not an object";
  } else {
    Reader reader{node, path, complaint};
    codec::describe(reader, out);
    reader.refuse_unknown();
  }
}

base::Result<void> known_format(const json& node) {
  const auto format = node.find("format");
  if (format == node.end() || !format->is_number_integer()) {
    return base::invalid("the plan has no format version");
  }
  if (format->get<std::int64_t>() > format_version) {
    return base::precondition(fmt::format("the plan has format {}, this lockkeeper reads up to {}",
                                          format->get<std::int64_t>(), format_version))
        .with_reason("NewerPlan")
        .with_hint("run the version of lockkeeper that made the plan, or a newer one");
  }
  return base::ok();
}

}  // namespace

std::string to_json(const Plan& plan) {
  return written(plan).dump();
}

std::string canonical(const Plan& plan) {
  json node = json::object();
  node["format"] = plan.format;
  node["schema"] = plan.schema;
  node["steps"] = written(plan.steps);
  node["fingerprint"] = plan.fingerprint;
  return node.dump();
}

base::Result<Plan> from_json(std::string_view text) {
  const json node = json::parse(text, nullptr, false);
  if (!node.is_object()) return base::invalid("the plan is not a JSON object");
  TRY_OK(known_format(node));
  Plan plan;
  std::string complaint;
  read(node, "", plan, complaint);
  if (!complaint.empty()) return base::invalid("the plan cannot be read: " + complaint);
  return plan;
}

}  // namespace lockkeeper::plan
