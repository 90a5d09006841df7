#include "dbcore/sql/identifier.h"

namespace lockkeeper::sql {
namespace {

unsigned byte_at(std::string_view text, std::size_t i) {
  return static_cast<unsigned char>(text[i]);
}

// Overlong forms, surrogates and values past U+10FFFF show in the first two bytes.
bool forbidden_start(unsigned lead, unsigned second) {
  switch (lead) {
    case 0xE0: return second < 0xA0;
    case 0xED: return second > 0x9F;
    case 0xF0: return second < 0x90;
    case 0xF4: return second > 0x8F;
    default: return lead < 0xC2 || lead > 0xF4;
  }
}

// Bytes of the UTF-8 sequence that starts here, 0 when it is malformed.
std::size_t sequence_length(std::string_view text) {
  const unsigned lead = byte_at(text, 0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (text.size() < length || forbidden_start(lead, byte_at(text, 1))) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte_at(text, i) & 0xC0U) != 0x80) return 0;
  }
  return length;
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
