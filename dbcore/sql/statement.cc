#include "dbcore/sql/statement.h"

namespace lockkeeper::sql {

std::string Literal::quoted() const {
  const bool escaped = value.find('\\') != std::string::npos;
  std::string out = escaped ? "E'" : "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') out += c;
    out += c;
  }
  out += '\'';
  return out;
}

Fragment join(std::span<const Identifier> names, std::string_view separator) {
  std::string out;
  for (const Identifier& name : names) {
    if (!out.empty()) out += separator;
    out += name.quoted();
  }
  return Fragment::trusted(out);
}

Fragment join(std::span<const Fragment> parts, std::string_view separator) {
  std::string out;
  bool first = true;
  for (const Fragment& part : parts) {
    if (!first) out += separator;
    first = false;
    out += part.text();
  }
  return Fragment::trusted(out);
}

Statement& Statement::bind(std::string_view value) {
  parameters_.emplace_back(std::string(value));
  return *this;
}

Statement& Statement::bind(std::nullopt_t) {
  parameters_.emplace_back(std::nullopt);
  return *this;
}

Statement& Statement::bind(const std::optional<std::string>& value) {
  parameters_.push_back(value);
  return *this;
}

Statement& Statement::bind(bool value) {
  return bind(std::string_view(value ? "true" : "false"));
}

Statement& Statement::bind(std::span<const std::string> values) {
  return bind(std::string_view(to_array(values)));
}

std::string to_array(std::span<const std::string> values) {
  std::string out = "{";
  for (const std::string& value : values) {
    if (out.size() > 1) out += ',';
    out += '"';
    for (const char c : value) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  out += '}';
  return out;
}

}  // namespace lockkeeper::sql
