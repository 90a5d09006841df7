// Any text given to the SQL parser: no crash, and what it prints it can read again.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "dbcore/sql/parse.h"

namespace {

namespace parse = lockkeeper::sql::parse;

void insist(bool holds, const char* what, std::string_view text) {
  if (holds) return;
  std::fprintf(stderr, "%s: %.*s\n", what, static_cast<int>(text.size()), text.data());
  std::abort();
}

void check_expression(std::string_view text) {
  const auto first = parse::expression(text);
  if (!first.ok()) return;
  const auto printed = first.value().text.text();
  const auto again = parse::expression(printed);
  insist(again.ok(), "printed expression does not parse", printed);
  insist(again.value().columns == first.value().columns, "columns differ", printed);
}

void check_statements(std::string_view text) {
  const auto first = parse::statements(text);
  if (!first.ok()) return;
  for (const auto& statement : first.value()) {
    const auto again = parse::statements(statement.text.text());
    insist(again.ok() && again.value().size() == 1, "one statement is not one", text);
    insist(again.value().front().kind == statement.kind, "kinds differ", text);
  }
}

// What comes out is proved against the tree inside; here only that it stays a definition.
void check_retarget(std::string_view text) {
  const parse::Retarget change{
      .name = "n \"n", .columns = {{"a", "b"}, {"b", "A\"a"}}, .referenced_columns = {{"a", "c"}}};
  const auto first = parse::retarget(text, change);
  if (!first.ok()) return;
  insist(parse::statements(first.value().text()).ok(), "re-targeted text does not parse", text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_expression(text);
  check_statements(text);
  (void)parse::type_name(text);
  (void)parse::rename_columns(text, {{"a", "b"}}, "NEW");
  check_retarget(text);
  return 0;
}
