// One table from SQLSTATE to the caller's next move (see base::ErrorCode).
#pragma once

#include <string_view>

#include "dbcore/base/error.h"

namespace lockkeeper::sql {

// cancelled_by_us: whether this side asked for the cancel; 57014 also comes from statement_timeout
// (then unavailable, reason StatementTimeout).
base::ErrorCode classify(std::string_view sqlstate, bool cancelled_by_us = false);

namespace sqlstate {
inline constexpr std::string_view lock_not_available = "55P03";
inline constexpr std::string_view query_canceled = "57014";
inline constexpr std::string_view serialization_failure = "40001";
inline constexpr std::string_view deadlock_detected = "40P01";
inline constexpr std::string_view undefined_table = "42P01";
inline constexpr std::string_view undefined_column = "42703";
inline constexpr std::string_view undefined_object = "42704";
inline constexpr std::string_view unique_violation = "23505";
inline constexpr std::string_view check_violation = "23514";
inline constexpr std::string_view not_null_violation = "23502";
inline constexpr std::string_view foreign_key_violation = "23503";
inline constexpr std::string_view insufficient_privilege = "42501";
}  // namespace sqlstate

}  // namespace lockkeeper::sql
