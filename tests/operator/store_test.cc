#include "operator/kube/store.h"

#include <gtest/gtest.h>

namespace lockkeeper::kube {
namespace {

struct Thing {
  std::string owner;
  int size = 0;
};

Entry<Thing> entry(const std::string& owner, int size, const std::string& version = "1") {
  return {std::make_shared<const Thing>(Thing{owner, size}), nullptr, version};
}

class StoreTest : public ::testing::Test {
 protected:
  StoreTest() {
    store_.add_index("owner", [](const Thing& thing) { return std::vector{thing.owner}; });
  }
  Store<Thing> store_;
};

TEST_F(StoreTest, GivesWhatWasPutAndWhatItReplaced) {
  EXPECT_FALSE(store_.put({"ns", "a"}, entry("x", 1)));
  const auto before = store_.put({"ns", "a"}, entry("x", 2));
  EXPECT_EQ(before.object->size, 1);
  EXPECT_EQ(store_.get({"ns", "a"})->size, 2);
  EXPECT_EQ(store_.get({"other", "a"}), nullptr);
}

TEST_F(StoreTest, WhatAReaderHoldsStaysAsItWas) {
  store_.put({"ns", "a"}, entry("x", 1));
  const auto held = store_.get({"ns", "a"});
  store_.put({"ns", "a"}, entry("x", 2));
  store_.erase({"ns", "a"});
  EXPECT_EQ(held->size, 1);
}

TEST_F(StoreTest, ListsOneNamespaceOrAll) {
  store_.put({"one", "a"}, entry("x", 1));
  store_.put({"two", "a"}, entry("x", 2));
  EXPECT_EQ(store_.list().size(), 2U);
  ASSERT_EQ(store_.list("two").size(), 1U);
  EXPECT_EQ(store_.list("two")[0]->size, 2);
}

TEST_F(StoreTest, AnIndexFollowsChangesAndDeletions) {
  store_.put({"ns", "a"}, entry("x", 1));
  store_.put({"ns", "b"}, entry("x", 2));
  EXPECT_EQ(store_.by_index("owner", "x").size(), 2U);
  store_.put({"ns", "a"}, entry("y", 1));
  EXPECT_EQ(store_.by_index("owner", "x").size(), 1U);
  EXPECT_EQ(store_.by_index("owner", "y").size(), 1U);
  store_.erase({"ns", "b"});
  EXPECT_TRUE(store_.by_index("owner", "x").empty());
  EXPECT_TRUE(store_.by_index("no such index", "x").empty());
}

TEST_F(StoreTest, ReplaceLeavesOtherNamespacesAlone) {
  store_.put({"one", "old"}, entry("x", 1));
  store_.put({"two", "kept"}, entry("x", 2));
  Store<Thing>::Entries fresh;
  fresh.emplace(ObjectKey{"one", "new"}, entry("y", 3));
  const auto before = store_.replace("one", std::move(fresh));
  EXPECT_EQ(before.size(), 1U);
  EXPECT_EQ(store_.get({"one", "old"}), nullptr);
  EXPECT_NE(store_.get({"one", "new"}), nullptr);
  EXPECT_NE(store_.get({"two", "kept"}), nullptr);
  EXPECT_EQ(store_.by_index("owner", "x").size(), 1U);
}

TEST_F(StoreTest, AnObjectThatDidNotDecodeHasAKeyAndItsError) {
  auto undecoded = std::make_shared<const Undecoded>(
      Undecoded{{.key = {"ns", "a"}, .uid = "u"}, base::invalid("unknown field")});
  store_.put({"ns", "a"}, {nullptr, undecoded, "1"});
  EXPECT_EQ(store_.get({"ns", "a"}), nullptr);
  EXPECT_EQ(store_.find({"ns", "a"}).undecoded->error.message, "unknown field");
  EXPECT_EQ(store_.keys().size(), 1U);
  EXPECT_TRUE(store_.list().empty());
}

}  // namespace
}  // namespace lockkeeper::kube
