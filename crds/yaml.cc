#include "crds/yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "crds/yaml_scalar.h"

namespace lockkeeper::crds {
namespace {

constexpr std::size_t max_depth = 64;
constexpr std::size_t max_nodes = 100'000;

base::Error at(const YAML::Mark& mark, std::string_view message) {
  return base::invalid(
      fmt::format("line {}, column {}: {}", mark.line + 1, mark.column + 1, message));
}

// Unwinds yaml-cpp's parser; never leaves parse_yaml.
struct Refused {
  base::Error error;
};

std::size_t count_nodes(const Json& value) {
  std::size_t count = 1;
  if (value.is_structured()) {
    for (const Json& child : value) count += count_nodes(child);
  }
  return count;
}

// Builds one document's JSON from the parser's events.
class Builder final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override { start_ = mark; }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(mark, anchor, Json(nullptr));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) throw Refused{at(mark, "an alias inside of what it stands for")};
    Json copy = found->second;
    spend(mark, count_nodes(copy));
    add(mark, YAML::NullAnchor, std::move(copy));
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (expects_key()) {
      take_key(mark, value);
      if (anchor != YAML::NullAnchor) anchors_[anchor] = value;
      return;
    }
    auto scalar = yaml_scalar(tag, value);
    if (!scalar) throw Refused{at(mark, scalar.error().message)};
    add(mark, anchor, std::move(*scalar));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, "tag:yaml.org,2002:seq", Json::array());
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, "tag:yaml.org,2002:map", Json::object());
  }
  void OnMapEnd() override { close(); }

  [[nodiscard]] const Json& root() const { return root_; }
  [[nodiscard]] const YAML::Mark& start() const { return start_; }

 private:
  // Json's move checks itself with an assertion that the checker takes for a throw.
  // NOLINTNEXTLINE(bugprone-exception-escape)
  struct Level {
    Json value;
    YAML::anchor_t anchor = YAML::NullAnchor;
    std::string key;
    bool has_key = false;
  };

  [[nodiscard]] bool expects_key() const {
    return !stack_.empty() && stack_.back().value.is_object() && !stack_.back().has_key;
  }

  void spend(const YAML::Mark& mark, std::size_t nodes) {
    nodes_ += nodes;
    if (nodes_ > max_nodes) {
      throw Refused{at(mark, fmt::format("more than {} nodes", max_nodes))};
    }
  }

  void take_key(const YAML::Mark& mark, const std::string& key) {
    spend(mark, 1);
    Level& level = stack_.back();
    if (level.value.contains(key)) {
      throw Refused{at(mark, fmt::format("the key \"{}\" is given twice", key))};
    }
    level.key = key;
    level.has_key = true;
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            std::string_view core_tag, Json empty) {
    if (!tag.empty() && tag != "?" && tag != "!" && tag != core_tag) {
      throw Refused{at(mark, fmt::format("the tag {} is not known", tag))};
    }
    if (expects_key()) throw Refused{at(mark, "a key must be a plain word or a string")};
    if (stack_.size() >= max_depth) {
      throw Refused{at(mark, fmt::format("nested deeper than {}", max_depth))};
    }
    spend(mark, 1);
    Level level;
    level.value = std::move(empty);
    level.anchor = anchor;
    stack_.push_back(std::move(level));
  }

  void close() {
    Level level = std::move(stack_.back());
    stack_.pop_back();
    place(level.anchor, std::move(level.value));
  }

  void add(const YAML::Mark& mark, YAML::anchor_t anchor, Json value) {
    if (expects_key()) throw Refused{at(mark, "a key must be a plain word or a string")};
    spend(mark, 1);
    place(anchor, std::move(value));
  }

  void place(YAML::anchor_t anchor, Json value) {
    if (anchor != YAML::NullAnchor) anchors_[anchor] = value;
    if (stack_.empty()) {
      root_ = std::move(value);
      return;
    }
    Level& level = stack_.back();
    if (level.value.is_array()) {
      level.value.push_back(std::move(value));
    } else {
      level.value[level.key] = std::move(value);
      level.has_key = false;
    }
  }

  YAML::Mark start_ = YAML::Mark::null_mark();
  Json root_;
  std::vector<Level> stack_;
  std::map<YAML::anchor_t, Json> anchors_;
  std::size_t nodes_ = 0;
};

base::Result<std::vector<YamlDocument>> parse_all(std::istream& input) {
  std::vector<YamlDocument> documents;
  YAML::Parser parser(input);
  int last = -1;
  while (true) {
    Builder builder;
    if (!parser.HandleNextDocument(builder)) return documents;
    // yaml-cpp 0.7 gives empty documents for ever, at one place, after a stray comma.
    if (builder.start().pos <= last) return at(builder.start(), "not valid YAML");
    last = builder.start().pos;
    if (builder.root().is_null()) continue;
    documents.push_back({std::make_shared<const Json>(builder.root()), builder.start().line + 1});
  }
}

}  // namespace

base::Result<std::vector<YamlDocument>> parse_yaml(std::string_view text) {
  if (text.size() > max_yaml_bytes) {
    return base::invalid(fmt::format("longer than {} bytes", max_yaml_bytes));
  }
  if (text.find('\0') != std::string_view::npos) return base::invalid("holds a zero character");
  try {
    std::istringstream input{std::string(text)};
    return parse_all(input);
  } catch (const Refused& refused) {
    return refused.error;
  } catch (const YAML::Exception& e) {
    return at(e.mark, e.msg);
  }
}

}  // namespace lockkeeper::crds
