#include "dbcore/plan/emit.h"

#include "dbcore/plan/acl.h"

namespace lockkeeper::plan {

using sql::format;
using sql::Fragment;
using sql::Identifier;
using sql::Literal;

std::vector<std::string> texts(const std::vector<Fragment>& statements) {
  std::vector<std::string> out;
  out.reserve(statements.size());
  for (const auto& statement : statements) out.push_back(statement.text());
  return out;
}

Action transaction(const std::vector<Fragment>& statements, std::vector<Relation> locks,
                   LockMode lock) {
  Action out;
  out.kind = ActionKind::transaction;
  out.statements = texts(statements);
  out.locks = std::move(locks);
  out.lock = lock;
  return out;
}

Action concurrently(const Fragment& statement, const Relation& table, std::string index_schema,
                    std::string index_name) {
  Action out;
  out.kind = ActionKind::concurrently;
  out.statements = {statement.text()};
  out.locks = {table};
  out.lock = LockMode::share_update_exclusive;
  out.index_schema = std::move(index_schema);
  out.index_name = std::move(index_name);
  return out;
}

Fragment column_name(const std::string& name) {
  return format("{}", Identifier::trusted(name));
}

namespace {

std::string_view storage_word(char storage) {
  switch (storage) {
    case 'p': return "PLAIN";
    case 'e': return "EXTERNAL";
    case 'm': return "MAIN";
    case 'x': return "EXTENDED";
    default: return {};
  }
}

void add_storage(std::vector<Fragment>& out, const sql::QualifiedName& table,
                 const catalog::Column& from, const Identifier& column) {
  if (const auto word = storage_word(from.storage); !word.empty()) {
    out.push_back(format("ALTER TABLE {} ALTER COLUMN {} SET STORAGE {}", table, column,
                         Fragment::trusted(word)));
  }
  if (from.compression != 0) {
    out.push_back(format("ALTER TABLE {} ALTER COLUMN {} SET COMPRESSION {}", table, column,
                         Fragment::trusted(from.compression == 'l' ? "lz4" : "pglz")));
  }
}

// "n_distinct=-0.5" as the catalog has it. Servers may keep marks of their own beside what users
// set; those belong to the one column.
void add_option(std::vector<Fragment>& out, const sql::QualifiedName& table,
                const Identifier& column, const std::string& text) {
  const auto equals = text.find('=');
  const auto name = text.substr(0, equals);
  if (name != "n_distinct" && name != "n_distinct_inherited") return;
  out.push_back(format("ALTER TABLE {} ALTER COLUMN {} SET ({} = {})", table, column,
                       Identifier::trusted(name), Literal{text.substr(equals + 1)}));
}

}  // namespace

std::vector<Fragment> copy_attributes(const sql::QualifiedName& table, const catalog::Column& from,
                                      const std::string& to, bool same_type, bool with_comment) {
  std::vector<Fragment> out;
  const auto column = Identifier::trusted(to);
  if (from.statistics_target >= 0) {
    out.push_back(format("ALTER TABLE {} ALTER COLUMN {} SET STATISTICS {}", table, column,
                         from.statistics_target));
  }
  for (const auto& text : from.options) add_option(out, table, column, text);
  if (same_type) add_storage(out, table, from, column);
  if (with_comment && !from.comment.empty()) {
    out.push_back(format("COMMENT ON COLUMN {}.{} IS {}", table, column, Literal{from.comment}));
  }
  for (auto& grant : grants(from.acl, table, to)) out.push_back(std::move(grant));
  return out;
}

std::vector<Fragment> grants(const std::vector<std::string>& acl,
                             const sql::QualifiedName& relation, const std::string& column) {
  std::vector<Fragment> out;
  const auto on = column.empty() ? Fragment() : format(" ({})", Identifier::trusted(column));
  for (const auto& item : acl) {
    for (const auto& right : rights_of(item)) {
      out.push_back(format("GRANT {}{} ON {} TO {}{}", Fragment::trusted(right.privilege), on,
                           relation, right.grantee,
                           Fragment::trusted(right.grantable ? " WITH GRANT OPTION" : "")));
    }
  }
  return out;
}

}  // namespace lockkeeper::plan
