// A cluster in memory that carries out what reconcilers decide, and a web server for checks.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "crds/database.h"
#include "crds/migration.h"
#include "reconciler/world.h"

namespace lockkeeper::reconcile::testing {

class FakeCluster : public Cluster {
 public:
  base::Result<Object> get(const base::Context&, Kind kind, const Key& key) override {
    if (forbidden) {
      return base::precondition("services is forbidden").with_reason("NamespaceNotOpened");
    }
    const auto found = objects.find({kind, key});
    return found == objects.end() ? Object() : std::make_shared<const Json>(found->second);
  }
  base::Result<std::vector<Object>> list(const base::Context&, Kind kind, const std::string& ns,
                                         const std::string& selector) override {
    std::vector<Object> out;
    for (const auto& [at, object] : objects) {
      if (at.first != kind || at.second.ns != ns) continue;
      if (matches(object, selector)) out.push_back(std::make_shared<const Json>(object));
    }
    return out;
  }
  Object cached(Kind kind, const Key& key) override {
    const auto found = objects.find({kind, key});
    return found == objects.end() ? Object() : std::make_shared<const Json>(found->second);
  }
  base::Result<std::shared_ptr<const crds::Migration>> migration(const Key& key) override {
    if (undecodable) return *undecodable;
    const auto found = migrations_.find(key);
    return found == migrations_.end() ? nullptr
                                      : std::make_shared<const crds::Migration>(found->second);
  }
  base::Result<std::shared_ptr<const crds::Database>> database(const Key& key) override {
    const auto found = databases.find(key);
    return found == databases.end() ? nullptr
                                    : std::make_shared<const crds::Database>(found->second);
  }
  std::vector<std::shared_ptr<const crds::Migration>> migrations(const std::string& ns) override {
    std::vector<std::shared_ptr<const crds::Migration>> out;
    for (const auto& [key, migration] : migrations_) {
      if (key.ns == ns) out.push_back(std::make_shared<const crds::Migration>(migration));
    }
    return out;
  }

  // Carries out an outcome as the adapter does; false when a write failed.
  bool carry_out(const Key& key, const Outcome& outcome) {
    for (const Write& write : outcome.writes) {
      written.push_back(write.about);
      if (!write_one(write)) return false;
    }
    const auto found = migrations_.find(key);
    if (found != migrations_.end() && outcome.status != nullptr) {
      EXPECT_EQ(found->second.metadata.resource_version, outcome.resource_version)
          << "a status beside a write to the object itself";
      auto read = crds::read_lenient<crds::MigrationStatus>(*outcome.status, "status");
      found->second.status = read.value();
      ++status_writes;
    }
    for (const Event& event : outcome.events) events.push_back(event.reason);
    return true;
  }

  bool write_one(const Write& write) {
    if (write.kind == Kind::migration || write.kind == Kind::database) return patch_own(write);
    auto& object = objects[{write.kind, write.key}];
    if (write.verb == Verb::apply) {
      object = *write.body;
      return true;
    }
    try {
      object = object.patch(*write.body);
    } catch (const nlohmann::json::exception&) {
      return false;
    }
    return true;
  }

  bool patch_own(const Write& write) {
    crds::ObjectMeta* meta = nullptr;
    if (migrations_.contains(write.key) && write.kind == Kind::migration) {
      meta = &migrations_.at(write.key).metadata;
    } else if (databases.contains(write.key)) {
      meta = &databases.at(write.key).metadata;
    }
    if (meta == nullptr) return false;
    Json finalizers = {{"uid", meta->uid}, {"resourceVersion", meta->resource_version}};
    if (!meta->finalizers.empty()) finalizers["finalizers"] = meta->finalizers;
    Json object = {{"metadata", finalizers}};
    object = object.patch(*write.body);
    meta->finalizers.clear();
    if (object["metadata"].contains("finalizers")) {
      meta->finalizers = object["metadata"]["finalizers"].get<std::vector<std::string>>();
    }
    meta->resource_version += "x";
    if (meta->deleting() && meta->finalizers.empty() && write.kind == Kind::migration) {
      migrations_.erase(write.key);
    }
    return true;
  }

  static bool matches(const Json& object, const std::string& selector) {
    const auto equals = selector.find('=');
    const auto labels = object.value("/metadata/labels"_json_pointer, Json::object());
    return labels.value(selector.substr(0, equals), "") == selector.substr(equals + 1);
  }

  Json& at(Kind kind, const std::string& name) { return objects[{kind, {"shop", name}}]; }

  bool forbidden = false;
  std::optional<base::Error> undecodable;
  std::map<std::pair<Kind, Key>, Json> objects;
  std::map<Key, crds::Migration> migrations_;
  std::map<Key, crds::Database> databases;
  std::vector<std::string> written;
  std::vector<std::string> events;
  int status_writes = 0;
};

class FakeHttp final : public HttpProbe {
 public:
  base::Result<HttpProbeAnswer> get(const base::Context&,
                                    const HttpProbeRequest& request) override {
    requests.push_back(request.url);
    last = request;
    return answer;
  }
  HttpProbeAnswer answer{200, ""};
  std::vector<std::string> requests;
  HttpProbeRequest last;
};

}  // namespace lockkeeper::reconcile::testing
