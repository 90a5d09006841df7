// The names of what lives for the time of one rollout, and names that PostgreSQL would have chosen.
// Not thread-safe (a counter); one per plan.
#pragma once

#include <string>
#include <string_view>

#include "dbcore/sql/identifier.h"

namespace lockkeeper::plan {

// Column of every routed table: NULL not routed yet, 0 routed.
inline constexpr std::string_view marker = "_lk_w";
inline constexpr std::string_view reserved_prefix = "_lk_";
// Where router functions live: the ledger's schema, apart from the user's. Firing a trigger needs
// no right on its function's schema.
inline constexpr std::string_view function_schema = "lockkeeper";

class Names {
 public:
  explicit Names(std::string rollout_id) : id_(std::move(rollout_id)) {}

  std::string next();                         // _lk_<id>_<n>
  [[nodiscard]] std::string trigger() const;  // ~lk_<id>
  std::string next_function();                // router_<id>_<n>

 private:
  std::string id_;
  int hidden_ = 0;
  int functions_ = 0;
};

// name1_name2_label, cut to 63 bytes as PostgreSQL does: the longer of the two loses first.
std::string object_name(std::string_view first, std::string_view second, std::string_view label);

// Text that fits into an identifier: cut at 63 bytes on a character, with a hash when cut.
std::string bounded(std::string_view text);

}  // namespace lockkeeper::plan
