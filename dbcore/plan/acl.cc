#include "dbcore/plan/acl.h"

namespace lockkeeper::plan {
namespace {

std::string_view privilege(char letter) {
  switch (letter) {
    case 'r': return "SELECT";
    case 'a': return "INSERT";
    case 'w': return "UPDATE";
    case 'd': return "DELETE";
    case 'D': return "TRUNCATE";
    case 'x': return "REFERENCES";
    case 't': return "TRIGGER";
    default: return {};
  }
}

// The role before the equals sign, with PostgreSQL's quotes undone.
std::string role_of(std::string_view item, std::size_t& at) {
  std::string out;
  bool quoted = false;
  for (; at < item.size(); ++at) {
    const char c = item[at];
    if (c == '"' && quoted && at + 1 < item.size() && item[at + 1] == '"') {
      out += item[++at];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == '=' && !quoted) {
      break;
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::vector<Right> rights_of(std::string_view aclitem) {
  std::vector<Right> out;
  std::size_t at = 0;
  const auto role = role_of(aclitem, at);
  const auto grantee = role.empty() ? sql::Fragment::trusted("PUBLIC")
                                    : sql::format("{}", sql::Identifier::trusted(role));
  for (++at; at < aclitem.size() && aclitem[at] != '/'; ++at) {
    if (aclitem[at] == '*') {
      if (!out.empty()) out.back().grantable = true;
    } else if (const auto word = privilege(aclitem[at]); !word.empty()) {
      out.push_back({word, grantee, false});
    }
  }
  return out;
}

}  // namespace lockkeeper::plan
