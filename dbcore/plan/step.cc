#include "dbcore/plan/step.h"

#include "dbcore/plan/enums.h"

namespace lockkeeper::plan {

std::string_view to_string(Stage stage) {
  return word_of(stage);
}

std::string_view to_string(LockMode mode) {
  return word_of(mode);
}

std::string_view to_string(DurationClass duration) {
  return word_of(duration);
}

}  // namespace lockkeeper::plan
