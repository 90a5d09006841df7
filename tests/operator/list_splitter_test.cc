#include "operator/kube/list_splitter.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <vector>

namespace lockkeeper::kube {
namespace {

const std::string list = R"({"apiVersion": "v1", "items" : [
  {"metadata": {"name": "a", "items": [1, {"x": "}]\""}]}}, {"spec": {"items": []}},
  {"text": "\\"}], "kind": "items", "metadata": {"continue": "c", "resourceVersion": "7",
  "items": [{"not": "one"}]}})";

struct Cut {
  std::vector<nlohmann::json> items;
  nlohmann::json frame;
};

Cut cut(const std::string& text, std::size_t size) {
  Cut result;
  ListSplitter splitter;
  for (std::size_t at = 0; at < text.size(); at += size) {
    EXPECT_TRUE(splitter.take(std::string_view(text).substr(at, size), [&](std::string_view item) {
      result.items.push_back(nlohmann::json::parse(item));
      return true;
    }));
  }
  result.frame = nlohmann::json::parse(splitter.frame());
  return result;
}

TEST(ListSplitter, GivesEachItemWhateverTheChunks) {
  auto expected = nlohmann::json::parse(list);
  const auto items = std::exchange(expected["items"], nlohmann::json::array());
  for (const std::size_t size : {1U, 2U, 3U, 7U, 64U, 4'096U}) {
    const Cut result = cut(list, size);
    EXPECT_EQ(nlohmann::json(result.items), items) << size;
    EXPECT_EQ(result.frame, expected) << size;
  }
}

TEST(ListSplitter, AnEmptyListIsItsFrame) {
  const Cut result = cut(R"({"items":[],"metadata":{}})", 5);
  EXPECT_TRUE(result.items.empty());
  EXPECT_EQ(result.frame["items"], nlohmann::json::array());
}

TEST(ListSplitter, EndsWhenTheSinkHasEnough) {
  ListSplitter splitter;
  int seen = 0;
  EXPECT_FALSE(splitter.take(list, [&](std::string_view) { return ++seen < 2; }));
  EXPECT_EQ(seen, 2);
}

}  // namespace
}  // namespace lockkeeper::kube
