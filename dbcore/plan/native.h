// What PostgreSQL does with a change of type: without touching a row, without a row that can
// refuse, or neither. Pure, thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "dbcore/catalog/catalog.h"

namespace lockkeeper::plan {

// ALTER COLUMN .. TYPE changes the catalog only (engine: 1.1), indexes and constraints included.
bool metadata_only(const catalog::Server& server, const catalog::Table& table,
                   const catalog::Column& column, const catalog::Type& target);

// The plain cast takes every value, gives the same in every session, and loses nothing.
bool cast_cannot_fail(std::string_view from, std::string_view to);

}  // namespace lockkeeper::plan
