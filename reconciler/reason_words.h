// What the lower rooms and the API server call an error, as a reason of crds/reasons.h. Pure;
// thread-safe.
#pragma once

#include <optional>
#include <string_view>

#include "crds/reasons.h"
#include "dbcore/base/error.h"

namespace lockkeeper::reconcile {

// Empty: no lower room says this word. A test reads the sources to see that none is missing.
std::optional<crds::Reason> reason_of_word(std::string_view word);
// Whether it stays until somebody does something: worth a word on the object.
bool lasts(const base::Error& error);

}  // namespace lockkeeper::reconcile
