#include "dbcore/sql/parse_guard.h"

#include <fmt/format.h>
#include <pg_query.h>
#include <pg_query.pb-c.h>
#include <pthread.h>

#include <algorithm>
#include <array>
#include <memory>

namespace lockkeeper::sql::parse::detail {
namespace {

// Below this a thread's ordinary stack (8 MB, 2 MB in the smallest) is more than enough.
constexpr std::size_t small_nesting = 400;
// Untouched pages of a stack cost nothing. The dearest level seen takes 1.7 kB plain and 5 kB under
// AddressSanitizer, in unpacking and in deparsing.
constexpr std::size_t big_stack_bytes = 256UL * 1024UL * 1024UL;

struct FreeScan {
  void operator()(PgQuery__ScanResult* scan) const {
    pg_query__scan_result__free_unpacked(scan, nullptr);
  }
};

// One row of the Unicode standard's table of well-formed sequences: ranges of the first two bytes.
struct Sequence {
  unsigned char first_low, first_high, second_low, second_high;
  std::size_t length;
};
constexpr std::array sequences{
    Sequence{0x01, 0x7F, 0, 0, 1},       Sequence{0xC2, 0xDF, 0x80, 0xBF, 2},
    Sequence{0xE0, 0xE0, 0xA0, 0xBF, 3}, Sequence{0xE1, 0xEC, 0x80, 0xBF, 3},
    Sequence{0xED, 0xED, 0x80, 0x9F, 3}, Sequence{0xEE, 0xEF, 0x80, 0xBF, 3},
    Sequence{0xF0, 0xF0, 0x90, 0xBF, 4}, Sequence{0xF1, 0xF3, 0x80, 0xBF, 4},
    Sequence{0xF4, 0xF4, 0x80, 0x8F, 4}};

bool matches(const Sequence& sequence, std::string_view rest) {
  const auto within = [&](std::size_t i, unsigned char low, unsigned char high) {
    const auto byte = static_cast<unsigned char>(rest[i]);
    return low <= byte && byte <= high;
  };
  if (rest.size() < sequence.length) return false;
  if (!within(0, sequence.first_low, sequence.first_high)) return false;
  if (sequence.length > 1 && !within(1, sequence.second_low, sequence.second_high)) return false;
  for (std::size_t i = 2; i < sequence.length; ++i) {
    if (!within(i, 0x80, 0xBF)) return false;
  }
  return true;
}

// How many bytes the UTF-8 sequence that starts here has; 0 when it is none, or a zero byte.
std::size_t sequence_length(std::string_view rest) {
  const auto* found = std::ranges::find_if(
      sequences, [&](const Sequence& sequence) { return matches(sequence, rest); });
  return found == sequences.end() ? 0 : found->length;
}

bool valid_text(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

// An upper bound on the depth of the tree: within one pair of brackets every token may open a level
// until a comma begins the next item of a list; set operations and joins nest across commas.
class Nesting {
 public:
  void take(PgQuery__Token token, std::string_view spelled) {
    if (token == PG_QUERY__TOKEN__ASCII_59) {
      levels_ = {Level{}};
    } else if (spelled == "(" || spelled == "[") {
      levels_.push_back({});
      count(1);
    } else if ((spelled == ")" || spelled == "]") && levels_.size() > 1) {
      sum_ -= levels_.back().chain + levels_.back().kept;
      levels_.pop_back();
    } else if (spelled == ",") {
      sum_ -= levels_.back().chain;
      levels_.back().chain = 0;
    } else {
      take_word(token);
    }
    if (token == PG_QUERY__TOKEN__ASCII_59) sum_ = 0;
    deepest_ = std::max(deepest_, sum_);
  }
  [[nodiscard]] std::size_t deepest() const { return deepest_; }

 private:
  struct Level {
    std::size_t chain = 0;
    std::size_t kept = 0;
  };
  void count(std::size_t n) {
    levels_.back().chain += n;
    sum_ += n;
  }
  void take_word(PgQuery__Token token) {
    switch (token) {
      case PG_QUERY__TOKEN__UNION:
      case PG_QUERY__TOKEN__INTERSECT:
      case PG_QUERY__TOKEN__EXCEPT:
      case PG_QUERY__TOKEN__JOIN:
      case PG_QUERY__TOKEN__SELECT:
        levels_.back().kept += 2;
        sum_ += 2;
        break;
      case PG_QUERY__TOKEN__SQL_COMMENT:
      case PG_QUERY__TOKEN__C_COMMENT: break;
      default: count(1);
    }
  }

  std::vector<Level> levels_{Level{}};
  std::size_t sum_ = 0;
  std::size_t deepest_ = 0;
};

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  });
  return result;
}

// Where the token ends. libpg_query tells it wrong for U&"..." and U&'...': past the closing quote.
std::size_t end_of(const PgQuery__ScanToken& token, std::string_view text) {
  const auto end = static_cast<std::size_t>(token.end);
  if (token.token != PG_QUERY__TOKEN__UIDENT && token.token != PG_QUERY__TOKEN__USCONST) return end;
  const std::size_t open = static_cast<std::size_t>(token.start) + 2;
  for (std::size_t i = open + 1; i < text.size(); ++i) {
    if (text[i] != text[open]) continue;
    if (i + 1 == text.size() || text[i + 1] != text[open]) return i + 1;
    ++i;
  }
  return end;
}

void take_tokens(const PgQuery__ScanResult& from, Scan& to) {
  Nesting nesting;
  for (std::size_t i = 0; i < from.n_tokens; ++i) {
    const PgQuery__ScanToken& token = *from.tokens[i];
    if (token.token == PG_QUERY__TOKEN__SQL_COMMENT || token.token == PG_QUERY__TOKEN__C_COMMENT) {
      continue;
    }
    to.tokens.push_back({static_cast<std::size_t>(token.start), end_of(token, to.text),
                         static_cast<int>(token.token)});
    nesting.take(token.token, to.spelled(to.tokens.size() - 1));
  }
  to.nesting = nesting.deepest();
}

base::Result<Scan> cut(std::string_view text) {
  Scan result{.text = std::string(text), .tokens = {}, .nesting = 0};
  const std::unique_ptr<PgQueryScanResult, void (*)(PgQueryScanResult*)> answer(
      new PgQueryScanResult(pg_query_scan(result.text.c_str())), [](PgQueryScanResult* raw) {
        pg_query_free_scan_result(*raw);
        delete raw;
      });
  if (answer->error != nullptr) {
    return syntax_error(answer->error->message, position(text, answer->error->cursorpos));
  }
  const std::unique_ptr<PgQuery__ScanResult, FreeScan> unpacked(pg_query__scan_result__unpack(
      nullptr, answer->pbuf.len,
      reinterpret_cast<const std::uint8_t*>(answer->pbuf.data)));  // NOLINT(*-reinterpret-cast)
  if (!unpacked) return base::internal("the scanner's answer cannot be read");
  take_tokens(*unpacked, result);
  return result;
}

void* run_work(void* work) {
  (*static_cast<const std::function<void()>*>(work))();
  return nullptr;
}

// False when the thread cannot be had.
bool run_on_big_stack(const std::function<void()>& work) {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  pthread_attr_setstacksize(&attributes, big_stack_bytes);
  pthread_t thread{};
  const int failed = pthread_create(&thread, &attributes, run_work,
                                    const_cast<std::function<void()>*>(&work));  // NOLINT
  pthread_attr_destroy(&attributes);
  if (failed != 0) return false;
  pthread_join(thread, nullptr);
  return true;
}

}  // namespace

std::string_view Scan::spelled(std::size_t token) const {
  if (token >= tokens.size()) return {};
  return std::string_view(text).substr(tokens[token].start,
                                       tokens[token].end - tokens[token].start);
}

bool Scan::is(std::size_t token, std::string_view word) const {
  return lower(spelled(token)) == word;
}

std::size_t Scan::at(std::size_t byte) const {
  const auto found = std::ranges::lower_bound(tokens, byte, {}, &Token::start);
  if (found == tokens.end() || found->start != byte) return tokens.size();
  return static_cast<std::size_t>(found - tokens.begin());
}

std::size_t Scan::after_bracket(std::size_t open) const {
  int depth = 0;
  for (std::size_t i = open; i < tokens.size(); ++i) {
    const auto word = spelled(i);
    if (word == "(" || word == "[") ++depth;
    if (word == ")" || word == "]") --depth;
    if (depth == 0) return i + 1;
  }
  return tokens.size();
}

base::Result<Scan> scan(std::string_view text) {
  if (text.size() > max_text_bytes) {
    return base::invalid(fmt::format("text of {} bytes is too long", text.size()))
        .with_detail(fmt::format("at most {} bytes are read", max_text_bytes));
  }
  if (!valid_text(text)) return base::invalid("text is not UTF-8 or holds a zero byte");
  TRY(Scan result, cut(text));
  if (result.nesting > max_nesting) {
    return base::invalid("SQL is nested too deeply to be judged")
        .with_detail(
            fmt::format("up to {} levels; at most {} are read", result.nesting, max_nesting))
        .with_reason("CannotJudge");
  }
  return result;
}

std::string print(const Scan& scan, std::vector<Edit> edits) {
  std::ranges::sort(edits, {}, &Edit::start);
  auto edit = edits.begin();
  std::string result;
  std::size_t done = 0;  // bytes of the text that are printed
  const auto put = [&](std::size_t start, std::size_t end, std::string_view piece) {
    if (start > done && !result.empty()) result += ' ';
    result += piece;
    done = end;
  };
  const auto put_edits_before = [&](std::size_t byte) {
    for (; edit != edits.end() && edit->start < byte; ++edit)
      put(edit->start, edit->end, edit->text);
  };
  for (const Token& token : scan.tokens) {
    put_edits_before(token.end);
    if (token.start < done) continue;  // an edit replaced it
    put(token.start, token.end,
        std::string_view(scan.text).substr(token.start, token.end - token.start));
  }
  put_edits_before(std::string::npos);
  return result;
}

bool with_stack(std::size_t nesting, const std::function<void()>& work) {
  if (nesting > small_nesting) return run_on_big_stack(work);
  work();
  return true;
}

std::string position(std::string_view text, int character) {
  if (character <= 0) return "";
  int line = 1;
  int column = 0;
  int seen = 0;
  for (const char c : text) {
    const bool continues = (static_cast<unsigned char>(c) & 0xC0) == 0x80;
    if (continues) continue;
    ++seen;
    ++column;
    if (seen == character) break;
    if (c == '\n') {
      ++line;
      column = 0;
    }
  }
  return fmt::format(" at line {}, column {}", line, std::max(column, 1));
}

std::string shortened(std::string_view text) {
  constexpr std::size_t enough = 200;
  if (text.size() <= enough) return std::string(text);
  std::size_t end = enough;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "...";
}

base::Error syntax_error(std::string_view message, std::string_view where) {
  return base::invalid(fmt::format("{}{}", shortened(message), where))
      .with_detail("read by the grammar of PostgreSQL 15")
      .with_hint("correct the SQL; syntax that only a newer PostgreSQL has cannot be judged")
      .with_reason("CannotJudge");
}

}  // namespace lockkeeper::sql::parse::detail
