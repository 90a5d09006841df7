#include "operator/cli/console.h"

namespace lockkeeper::cli {

void print_error(const Console& console, const base::Error& error) {
  console.err << "lockkeeper: ";
  if (!error.path.empty()) console.err << error.path << ": ";
  console.err << error.message;
  if (!error.sqlstate.empty()) console.err << " (SQLSTATE " << error.sqlstate << ")";
  console.err << '\n';
  if (!error.detail.empty()) console.err << "  detail: " << error.detail << '\n';
  if (!error.hint.empty()) console.err << "  hint: " << error.hint << '\n';
}

void print_note(const Console& console, std::string_view note) {
  console.err << "note: " << note << '\n';
}

ExitCode exit_code_of(const base::Error& error) {
  return error.code == base::ErrorCode::precondition ? exit_waiting : exit_failed;
}

}  // namespace lockkeeper::cli
