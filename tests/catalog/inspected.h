// The zoo in a database of its own, made once for each suite, and read.
#pragma once

#include <gtest/gtest.h>

#include <utility>

#include "dbcore/catalog/inspect.h"
#include "tests/catalog/zoo.h"

namespace lockkeeper::catalog {

using support::PrivatePostgres;

class Inspected : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    database() = PrivatePostgres::shared().create_database();
    PrivatePostgres::shared().execute(database(), zoo);
  }
  static std::string& database() {
    static std::string name;
    return name;
  }

  [[nodiscard]] static sql::Session connect(const std::string& role = "postgres") {
    return sql::Session::connect(base::Context(),
                                 support::endpoint_of(PrivatePostgres::shared(), database(), role),
                                 {})
        .value();
  }
  [[nodiscard]] static Catalog read(const Request& request = everything()) {
    auto session = connect();
    auto result = inspect(base::Context(), session, request);
    EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().text());
    EXPECT_FALSE(session.in_transaction());
    return result.ok() ? std::move(result).value() : Catalog{};
  }
  [[nodiscard]] static Table t1() { return *read().table("T 1"); }
};

}  // namespace lockkeeper::catalog
