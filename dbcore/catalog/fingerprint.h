// What drift is measured by: one line a fact ("column public.users.name text not null"), sorted,
// and the SHA-256 over them. Covers the named tables and what is tied to them by foreign key, view
// or trigger. Sizes, statistics and our own ledger are no facts. Pure, thread-safe.
#pragma once

#include <string>
#include <vector>

#include "dbcore/catalog/catalog.h"

namespace lockkeeper::catalog {

std::vector<std::string> facts(const Catalog& catalog);
std::string fingerprint(const std::vector<std::string>& facts);  // 64 hex digits

// What is in one and not in the other, "- fact" and "+ fact", at most `limit` lines and then
// "... and N more".
std::string difference(const std::vector<std::string>& expected,
                       const std::vector<std::string>& found, std::size_t limit = 10);

}  // namespace lockkeeper::catalog
