// aclitem texts ("shop_app=ar*/owner") as GRANTs. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dbcore/sql/statement.h"

namespace lockkeeper::plan {

struct Right {
  std::string_view privilege;
  sql::Fragment grantee;  // a quoted role, or PUBLIC
  bool grantable = false;
};

// One per letter; an item that cannot be read gives none.
std::vector<Right> rights_of(std::string_view aclitem);

}  // namespace lockkeeper::plan
