// The items of spec.operations, both ways. The kinds and their fields are told once, here; the CRD
// repeats them and a test holds the two together.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "crds/fields.h"
#include "crds/json.h"
#include "dbcore/plan/operation.h"

namespace lockkeeper::crds {

void describe(Fields& f, plan::Operation& operation);

// One item; path is where it stands: "spec.operations[2]".
base::Result<plan::Operation> decode_operation(const Json& item, std::string_view path);
Json encode_operation(const plan::Operation& operation);

}  // namespace lockkeeper::crds
