// Any text given to the readers of manifests: no crash, no endless work, and what a strict reading
// accepts is written and read again as the same value.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "crds/database.h"
#include "crds/json.h"
#include "crds/migration.h"
#include "crds/yaml.h"

namespace {

namespace crds = lockkeeper::crds;

template <typename T>
void round_trip(const crds::Json& object) {
  (void)crds::read_lenient<T>(object, "spec");
  const auto read = crds::read_strict<T>(object, "spec");
  if (!read.ok()) return;
  const crds::Json written = crds::write<T>(read.value());
  const auto again = crds::read_strict<T>(written, "spec");
  if (again.ok() && again.value() == read.value()) return;
  std::fprintf(stderr, "not the same when read again: %s\n", written.dump().c_str());
  std::abort();
}

void check(const crds::Json& object) {
  const bool whole = object.is_object() && object.contains("spec");
  const auto& spec = whole ? object["spec"] : object;
  round_trip<crds::MigrationSpec>(spec);
  round_trip<crds::DatabaseSpec>(spec);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto json = crds::parse_json(text); json.ok()) check(json.value());
  if (const auto documents = crds::parse_yaml(text); documents.ok()) {
    for (const auto& document : documents.value()) check(*document.value);
  }
  return 0;
}
