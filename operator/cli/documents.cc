#include "operator/cli/documents.h"

#include <fmt/format.h>

#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "crds/yaml.h"

namespace lockkeeper::cli {
namespace {

using crds::Json;

std::string text_of(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

base::Result<void> add_object(const Json& object, Documents& documents) {
  if (!object.is_object()) return base::invalid("the document is not an object");
  const std::string kind = text_of(object, "kind");
  if (kind.empty()) return base::invalid("is required").with_path("kind");
  if (kind == "List") {
    const Json items = object.value("items", Json::array());
    for (const Json& item : items) TRY_OK(add_object(item, documents));
    return base::ok();
  }
  if (kind != crds::Migration::kind || text_of(object, "apiVersion") != crds::api_version) {
    const Json metadata = object.value("metadata", Json::object());
    documents.ignored.push_back(fmt::format("{} {}", kind, text_of(metadata, "name")));
    return base::ok();
  }
  Json without_status = object;
  without_status.erase("status");
  TRY(crds::Migration migration, crds::decode_migration(without_status));
  if (migration.metadata.ns.empty()) migration.metadata.ns = "default";
  documents.migrations.push_back(std::move(migration));
  return base::ok();
}

base::Result<void> refuse_twins(const Documents& documents) {
  std::set<std::string> seen;
  for (const auto& migration : documents.migrations) {
    const std::string name = migration.metadata.ns + "/" + migration.metadata.name;
    if (!seen.insert(name).second) {
      return base::invalid(fmt::format("Migration {} is there twice", name));
    }
  }
  return base::ok();
}

}  // namespace

base::Result<Documents> parse_documents(std::string_view text, const std::string& name) {
  auto parsed = crds::parse_yaml(text);
  if (!parsed) return std::move(parsed).error().within(name);
  Documents documents;
  for (const auto& document : *parsed) {
    auto added = add_object(*document.value, documents);
    if (!added) {
      const std::string place = fmt::format("{}, document at line {}", name, document.line);
      base::Error error = std::move(added).error();
      const std::string path = error.path;
      if (!path.empty()) error = std::move(error).within(path).with_path("");
      return std::move(error).within(place);
    }
  }
  if (documents.migrations.empty()) {
    return base::invalid(fmt::format("{}: there is no Migration in it", name))
        .with_hint(fmt::format("apiVersion: {}, kind: Migration", crds::api_version));
  }
  TRY_OK(refuse_twins(documents));
  return documents;
}

base::Result<Documents> read_documents(const std::string& file) {
  std::stringstream text;
  if (file == "-") {
    text << std::cin.rdbuf();
    return parse_documents(text.str(), "standard input");
  }
  std::ifstream input(file, std::ios::binary);
  if (!input) return base::invalid(fmt::format("cannot read {}", file));
  text << input.rdbuf();
  return parse_documents(text.str(), file);
}

}  // namespace lockkeeper::cli
