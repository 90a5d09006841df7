#include "dbcore/sql/rows.h"

#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>

namespace lockkeeper::sql {
namespace {

[[noreturn]] void die_of_wrong_form(std::string_view wanted, std::string_view value) {
  std::fprintf(stderr, "lockkeeper: a column that should be %.*s reads \"%.*s\"\n",
               static_cast<int>(wanted.size()), wanted.data(), static_cast<int>(value.size()),
               value.data());
  std::abort();
}

template <typename T>
T number(std::string_view text, std::string_view wanted) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) die_of_wrong_form(wanted, text);
  return value;
}

// One element of an array's text form, from position at (behind '{' or ','); leaves at on the
// delimiter that ends it.
std::string array_element(std::string_view text, std::size_t& at) {
  std::string out;
  if (at < text.size() && text[at] == '"') {
    for (++at; at < text.size() && text[at] != '"'; ++at) {
      if (text[at] == '\\') ++at;
      if (at < text.size()) out += text[at];
    }
    ++at;
    return out;
  }
  const std::size_t end = std::min(text.find_first_of(",}", at), text.size());
  out = text.substr(at, end - at);
  at = end;
  return out == "NULL" ? std::string() : out;
}

}  // namespace

bool Row::is_null(int column) const {
  return PQgetisnull(result_, row_, column) != 0;
}

std::string_view Row::view(int column) const {
  return {PQgetvalue(result_, row_, column),
          static_cast<std::size_t>(PQgetlength(result_, row_, column))};
}

std::optional<std::string> Row::optional_text(int column) const {
  if (is_null(column)) return std::nullopt;
  return text(column);
}

std::int64_t Row::integer(int column) const {
  return is_null(column) ? 0 : number<std::int64_t>(view(column), "an integer");
}

double Row::real(int column) const {
  return is_null(column) ? 0 : number<double>(view(column), "a number");
}

bool Row::boolean(int column) const {
  const std::string_view value = view(column);
  if (value == "t") return true;
  if (value == "f" || is_null(column)) return false;
  die_of_wrong_form("a boolean", value);
}

std::vector<std::string> Row::array(int column) const {
  std::vector<std::string> out;
  const std::string_view value = view(column);
  if (is_null(column) || value == "{}") return out;
  // Bounds that do not start at 1 are printed in front: [0:1]={a,b}.
  std::size_t at = value.find('{');
  if (at == std::string_view::npos) die_of_wrong_form("an array", value);
  do {
    ++at;
    out.push_back(array_element(value, at));
  } while (at < value.size() && value[at] == ',');
  if (at + 1 != value.size() || value[at] != '}') die_of_wrong_form("a flat array", value);
  return out;
}

Rows::Rows(pg_result* result) : result_(result) {}

void Rows::Clear::operator()(pg_result* result) const {
  PQclear(result);
}

int Rows::size() const {
  return result_ ? PQntuples(result_.get()) : 0;
}

std::int64_t Rows::affected() const {
  if (!result_) return 0;
  const std::string_view tag = PQcmdStatus(result_.get());
  constexpr std::array<std::string_view, 4> writing{"INSERT", "UPDATE", "DELETE", "MERGE"};
  if (std::ranges::none_of(writing, [&](std::string_view verb) { return tag.starts_with(verb); })) {
    return 0;  // SELECT and COPY count too
  }
  const std::string_view count = PQcmdTuples(result_.get());
  return count.empty() ? 0 : number<std::int64_t>(count, "a count");
}

int Rows::columns() const {
  return result_ ? PQnfields(result_.get()) : 0;
}

std::string Rows::column_name(int column) const {
  const char* name = result_ ? PQfname(result_.get(), column) : nullptr;
  return name != nullptr ? name : "";
}

std::uint32_t Rows::type_oid(int column) const {
  return result_ ? PQftype(result_.get(), column) : 0;
}

int Rows::type_modifier(int column) const {
  return result_ ? PQfmod(result_.get(), column) : -1;
}

}  // namespace lockkeeper::sql
