#include "reconciler/ownership.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace lockkeeper::reconcile {
namespace {

Write patch(Kind kind, const crds::ObjectMeta& meta, const Json& change, std::string about) {
  Json operations = Json::array();
  operations.push_back({{"op", "test"}, {"path", "/metadata/uid"}, {"value", meta.uid}});
  operations.push_back(
      {{"op", "test"}, {"path", "/metadata/resourceVersion"}, {"value", meta.resource_version}});
  operations.push_back(change);
  return {Verb::json_patch,
          kind,
          {meta.ns, meta.name},
          std::make_shared<const Json>(std::move(operations)),
          std::move(about)};
}

}  // namespace

Write add_finalizer(Kind kind, const crds::ObjectMeta& meta) {
  Json change = {{"op", "add"}, {"path", "/metadata/finalizers"}};
  if (meta.finalizers.empty()) {
    change["value"] = Json::array({std::string(crds::finalizer)});
  } else {
    change["path"] = "/metadata/finalizers/-";
    change["value"] = std::string(crds::finalizer);
  }
  return patch(kind, meta, change, "finalizer added");
}

Write remove_finalizer(Kind kind, const crds::ObjectMeta& meta) {
  const auto at = std::ranges::find(meta.finalizers, std::string(crds::finalizer));
  const auto index = static_cast<std::size_t>(at - meta.finalizers.begin());
  return patch(kind, meta,
               {{"op", "remove"}, {"path", "/metadata/finalizers/" + std::to_string(index)}},
               "finalizer removed");
}

}  // namespace lockkeeper::reconcile
