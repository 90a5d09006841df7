// What stands between text from outside and libpg_query, whose recursion is unguarded: one nested
// expression too many ends the process. Only parse*.cc includes this.
//
// Pure and thread-safe.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "dbcore/base/result.h"

namespace lockkeeper::sql::parse::detail {

inline constexpr std::size_t max_text_bytes = 1024UL * 1024UL;
// Levels of the tree that one text may nest; measured with room to spare (see parse_guard.cc).
inline constexpr std::size_t max_nesting = 10'000;

// One token, comments left out; start and end are bytes of the text.
struct Token {
  std::size_t start = 0;
  std::size_t end = 0;
  int kind = 0;  // PgQuery__Token
};

// A text cut into its tokens.
struct Scan {
  std::string text;
  std::vector<Token> tokens;
  std::size_t nesting = 0;  // never less than the depth of the tree

  [[nodiscard]] std::string_view spelled(std::size_t token) const;
  // The token is this keyword or punctuation, in any case and not quoted.
  [[nodiscard]] bool is(std::size_t token, std::string_view word) const;
  // The token that starts at this byte; tokens.size() when none does.
  [[nodiscard]] std::size_t at(std::size_t byte) const;
  // Past the bracket that closes the one at token `open`; tokens.size() when none does.
  [[nodiscard]] std::size_t after_bracket(std::size_t open) const;
};

// Scans without parsing. invalid: not UTF-8, a zero byte, too large, nested too deeply, or no SQL
// (an unterminated quote).
base::Result<Scan> scan(std::string_view text);

// A piece of the text to replace.
struct Edit {
  std::size_t start = 0;
  std::size_t end = 0;
  std::string text;
};

// The tokens with one space where there was white space or a comment, edits applied. Edits cover
// whole tokens or stand between two, and do not overlap.
std::string print(const Scan& scan, std::vector<Edit> edits = {});

// Runs work here when the nesting is small, else on a thread of its own with a stack that holds
// max_nesting levels. False when that thread cannot be had: nothing ran.
[[nodiscard]] bool with_stack(std::size_t nesting, const std::function<void()>& work);

// " at line 2, column 7" of the character (from 1) of the text.
std::string position(std::string_view text, int character);

// At most some 200 bytes of it, for messages: a scanner quotes all that follows an open quote.
std::string shortened(std::string_view text);

// The error for a text that PostgreSQL 15's grammar does not take.
base::Error syntax_error(std::string_view message, std::string_view where);

}  // namespace lockkeeper::sql::parse::detail
