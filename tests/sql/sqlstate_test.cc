#include "dbcore/sql/sqlstate.h"

#include <gtest/gtest.h>

namespace lockkeeper::sql {
namespace {

using base::ErrorCode;

struct Case {
  const char* name;
  const char* sqlstate;
  ErrorCode code;
};

class SqlstateTest : public ::testing::TestWithParam<Case> {};

TEST_P(SqlstateTest, SaysTheNextMove) {
  EXPECT_EQ(classify(GetParam().sqlstate), GetParam().code);
}

INSTANTIATE_TEST_SUITE_P(
    Table, SqlstateTest,
    ::testing::Values(Case{"connection_failure", "08006", ErrorCode::unavailable},
                      Case{"too_many_connections", "53300", ErrorCode::unavailable},
                      Case{"disk_full", "53100", ErrorCode::unavailable},
                      Case{"admin_shutdown", "57P01", ErrorCode::unavailable},
                      Case{"crash_shutdown", "57P02", ErrorCode::unavailable},
                      Case{"cannot_connect_now", "57P03", ErrorCode::unavailable},
                      Case{"lock_not_available", "55P03", ErrorCode::unavailable},
                      Case{"object_in_use", "55006", ErrorCode::unavailable},
                      Case{"read_only", "25006", ErrorCode::unavailable},
                      Case{"idle_in_transaction", "25P03", ErrorCode::unavailable},
                      Case{"statement_timeout", "57014", ErrorCode::unavailable},
                      Case{"serialization", "40001", ErrorCode::conflict},
                      Case{"deadlock", "40P01", ErrorCode::conflict},
                      Case{"division_by_zero", "22012", ErrorCode::precondition},
                      Case{"unique_violation", "23505", ErrorCode::precondition},
                      Case{"check_option", "44000", ErrorCode::precondition},
                      Case{"raise_exception", "P0001", ErrorCode::precondition},
                      Case{"wrong_password", "28P01", ErrorCode::precondition},
                      Case{"unknown_database", "3D000", ErrorCode::precondition},
                      Case{"unknown_schema", "3F000", ErrorCode::precondition},
                      Case{"missing_grant", "42501", ErrorCode::precondition},
                      Case{"wrong_state", "55000", ErrorCode::precondition},
                      Case{"not_supported", "0A000", ErrorCode::invalid},
                      Case{"dependent_objects", "2BP01", ErrorCode::invalid},
                      Case{"syntax", "42601", ErrorCode::invalid},
                      Case{"undefined_table", "42P01", ErrorCode::invalid},
                      Case{"too_many_columns", "54011", ErrorCode::invalid},
                      Case{"in_failed_transaction", "25P02", ErrorCode::internal},
                      Case{"internal_error", "XX000", ErrorCode::internal},
                      Case{"io_error", "58030", ErrorCode::internal},
                      Case{"nothing", "", ErrorCode::internal}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(SqlstateTest, ACancelThatWeAskedForIsCancelled) {
  EXPECT_EQ(classify("57014", true), ErrorCode::cancelled);
  EXPECT_EQ(classify("40P01", true), ErrorCode::conflict);
}

}  // namespace
}  // namespace lockkeeper::sql
