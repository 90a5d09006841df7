#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "crds/migration.h"
#include "tests/crds/bad_objects.h"

namespace lockkeeper::crds {
namespace {

base::Result<void> decode(const tests::BadObject& bad) {
  const Json object = {{"apiVersion", std::string(api_version)},
                       {"kind", bad.kind},
                       {"metadata", {{"name", "bad"}, {"namespace", "shop"}}},
                       {"spec", parse_json(bad.spec).value()}};
  if (bad.kind == "Database") {
    TRY_OK(decode_database(object));
  } else {
    TRY_OK(decode_migration(object));
  }
  return base::ok();
}

TEST(StrictReader, RefusesWhatTheApiServerRefusesAtTheSamePlace) {
  for (const tests::BadObject& bad : tests::bad_objects()) {
    const auto decoded = decode(bad);
    ASSERT_FALSE(decoded.ok()) << bad.about;
    EXPECT_EQ(decoded.error().code, base::ErrorCode::invalid) << bad.about;
    EXPECT_TRUE(decoded.error().path.starts_with(bad.path))
        << bad.about << ": " << decoded.error().text();
  }
}

}  // namespace
}  // namespace lockkeeper::crds
