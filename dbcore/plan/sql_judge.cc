#include "dbcore/plan/sql_judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "dbcore/sql/parse.h"

namespace lockkeeper::plan {
namespace {

using sql::parse::ParsedStatement;
using sql::parse::StatementKind;

template <std::size_t N>
bool one_of(StatementKind kind, const std::array<StatementKind, N>& list) {
  return std::find(list.begin(), list.end(), kind) != list.end();
}

// Short, and read from the statement alone.
constexpr std::array harmless = {
    StatementKind::create_table,    StatementKind::create_view, StatementKind::drop_view,
    StatementKind::create_function, StatementKind::create_type, StatementKind::create_trigger,
    StatementKind::create_sequence, StatementKind::comment,     StatementKind::grant,
    StatementKind::analyze,         StatementKind::create_index};

constexpr std::array never = {StatementKind::transaction_control, StatementKind::set,
                              StatementKind::copy, StatementKind::database, StatementKind::role};

bool in_server(const std::string& schema) {
  return schema == "pg_catalog" || schema == "information_schema";
}

base::Result<void> stays_inside(const Draft& draft, const ParsedStatement& statement,
                                const std::string& path) {
  for (const auto& [schema, name] : statement.relations) {
    if (schema.empty() && !statement.transactional) {
      return refuse(path,
                    fmt::format("\"{}\" is not qualified in a statement that runs outside a "
                                "transaction",
                                name),
                    fmt::format("write {}.{}", draft.start().schema.raw(), name));
    }
    if (schema.empty() || schema == draft.start().schema.raw() || in_server(schema)) continue;
    return refuse(path,
                  fmt::format("{}.{} is outside the target schema {}", schema, name,
                              draft.start().schema.raw()),
                  "make a Migration whose target is that schema");
  }
  return base::ok();
}

base::Result<void> index_has_its_operation(const Draft& draft, const ParsedStatement& statement,
                                           const std::string& path) {
  if (statement.kind != StatementKind::create_index) return base::ok();
  const bool known = std::any_of(
      statement.relations.begin(), statement.relations.end(),
      [&](const auto& relation) { return draft.start().table(relation.second) != nullptr; });
  if (!known && !statement.concurrently) return base::ok();
  return refuse(path, "an index on a table that is there is built by its own operation",
                "write a createIndex operation");
}

bool is_harmless(const ParsedStatement& statement) {
  return one_of(statement.kind, harmless) ||
         (statement.kind == StatementKind::drop_index && statement.concurrently);
}

base::Result<Judged> judge(const Draft& draft, const ParsedStatement& statement,
                           const std::string& path) {
  if (one_of(statement.kind, never)) {
    return refuse(path, "transactions, settings, roles, databases and COPY are no schema change",
                  "leave the statement out");
  }
  TRY_OK(stays_inside(draft, statement, path));
  TRY_OK(index_has_its_operation(draft, statement, path));
  Judged out;
  out.text = statement.text;
  out.transactional = statement.transactional;
  out.risky = !is_harmless(statement);
  if (out.risky && !draft.allows("sql")) {
    return refuse(path,
                  "nobody can tell from the statement alone how long it blocks, or what it "
                  "loses",
                  "use an operation for it, or list sql in safety.allow and answer for it");
  }
  return out;
}

}  // namespace

base::Result<std::vector<Judged>> judge_statements(const Draft& draft, const SqlDraft& source,
                                                   const std::vector<std::string>& statements,
                                                   const std::string& field) {
  std::vector<Judged> out;
  for (std::size_t i = 0; i < statements.size(); ++i) {
    const auto path = fmt::format("{}.{}[{}]", source.path, field, i);
    auto parsed = sql::parse::statements(statements[i]);
    if (!parsed.ok()) {
      return refuse(path, parsed.error().message, "write SQL that PostgreSQL can read");
    }
    if (parsed->empty()) return refuse(path, "the statement is empty", "leave it out");
    for (const auto& statement : *parsed) {
      TRY(auto judged, judge(draft, statement, path));
      out.push_back(std::move(judged));
    }
  }
  return out;
}

}  // namespace lockkeeper::plan
