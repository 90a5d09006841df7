#include "dbcore/sql/identifier.h"

namespace lockkeeper::sql {
namespace {

// Bytes of the UTF-8 sequence that starts here, 0 when it is malformed (overlong forms, surrogates
// and values past U+10FFFF included).
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80) return 0;
  }
  const unsigned second = byte(1);
  const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
  const bool surrogate = lead == 0xED && second > 0x9F;
  const bool too_high = lead == 0xF4 && second > 0x8F;
  return overlong || surrogate || too_high ? 0 : length;
}

bool valid_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace

base::Result<Identifier> Identifier::make(std::string_view name) {
  if (name.empty()) return base::invalid("name is empty");
  if (name.find('\0') != std::string_view::npos) {
    return base::invalid("name contains a zero byte");
  }
  if (!valid_utf8(name)) return base::invalid("name is not valid UTF-8");
  if (name.size() > max_identifier_bytes) {
    return base::invalid("name \"" + std::string(name) + "\" is too long")
        .with_detail("it has " + std::to_string(name.size()) + " bytes, PostgreSQL keeps " +
                     std::to_string(max_identifier_bytes))
        .with_hint("choose a shorter name; letters outside ASCII take two to four bytes");
  }
  return Identifier(name);
}

Identifier Identifier::trusted(std::string_view name) {
  return Identifier(name);
}

std::string Identifier::quoted() const {
  std::string out = "\"";
  for (const char c : name_) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
  return out;
}

std::string QualifiedName::quoted() const {
  return schema.quoted() + "." + name.quoted();
}

std::string QualifiedName::display() const {
  return schema.raw() + "." + name.raw();
}

}  // namespace lockkeeper::sql
