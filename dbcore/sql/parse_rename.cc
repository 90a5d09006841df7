#include "dbcore/sql/parse_rename.h"

#include "dbcore/sql/identifier.h"

namespace lockkeeper::sql::parse::detail {
namespace {

bool is_new_or_old(std::string_view qualifier) {
  return qualifier == "NEW" || qualifier == "OLD";
}

// As the tree holds it: NEW and OLD are written as everybody does, and fold.
std::string folded(std::string_view qualifier) {
  if (!is_new_or_old(qualifier)) return std::string(qualifier);
  return qualifier == "NEW" ? "new" : "old";
}

}  // namespace

bool Renamer::rename(PgQuery__Node& node, const NameMap& names) {
  bool sound = true;
  walk(node.base, [&](ProtobufCMessage& message) {
    if (message.descriptor == &pg_query__sub_link__descriptor) sound = false;
    auto* column = as<PgQuery__ColumnRef>(message, pg_query__column_ref__descriptor);
    if (column == nullptr) return true;
    sound = rename_reference(*column, names) && sound;
    return false;
  });
  return sound || (names.empty() && qualifier_.empty());
}

bool Renamer::rename_reference(PgQuery__ColumnRef& column, const NameMap& names) {
  if (column.n_fields != 1 || string_of(column.fields[0]).empty()) return false;
  const auto location = static_cast<std::size_t>(column.location);
  const std::size_t token =
      location < prefix_ ? scan_->tokens.size() : scan_->at(location - prefix_);
  if (token >= scan_->tokens.size()) return false;
  std::string name(string_of(column.fields[0]));
  if (const auto found = names.find(name); found != names.end()) {
    name = found->second;
  } else if (qualifier_.empty()) {
    return true;
  }
  set_string(column.fields[0]->string->sval, name);
  if (!qualifier_.empty()) prepend(column, folded(qualifier_));
  add({scan_->tokens[token].start, scan_->tokens[token].end, spelled(name)});
  return true;
}

std::string Renamer::spelled(const std::string& name) const {
  std::string text = Identifier::trusted(name).quoted();
  if (qualifier_.empty()) return text;
  std::string qualifier = is_new_or_old(qualifier_) ? std::string(qualifier_)
                                                    : Identifier::trusted(qualifier_).quoted();
  return qualifier + "." + text;
}

void Renamer::replace(char*& slot, std::size_t token, std::string_view name) {
  set_string(slot, name);
  add({scan_->tokens[token].start, scan_->tokens[token].end, Identifier::trusted(name).quoted()});
}

}  // namespace lockkeeper::sql::parse::detail
