#include "dbcore/catalog/fingerprint.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <memory>

#include "dbcore/catalog/facts.h"

namespace lockkeeper::catalog {
namespace {

// Our ledger, and nothing else of ours: what a step makes is a fact that the next one relies on.
constexpr std::string_view ledger_schema = "lockkeeper";

std::vector<std::string> only_in(const std::vector<std::string>& these,
                                 const std::vector<std::string>& those) {
  std::vector<std::string> result;
  std::ranges::set_difference(these, those, std::back_inserter(result));
  return result;
}

std::vector<std::string> sorted(std::vector<std::string> lines) {
  std::ranges::sort(lines);
  lines.erase(std::unique(lines.begin(), lines.end()), lines.end());
  return lines;
}

// The definition of a view can be long, and the text ends in a condition's message.
std::string shortened(const std::string& line) {
  constexpr std::size_t enough = 300;
  if (line.size() <= enough) return line;
  std::size_t end = enough;
  while ((static_cast<unsigned char>(line[end]) & 0xC0) == 0x80) --end;
  return line.substr(0, end) + "...";
}

// What a fact is about: all but its last, telling part stands before the colon.
std::string_view subject(std::string_view line) {
  return line.substr(0, line.find(": "));
}

}  // namespace

std::vector<std::string> facts(const Catalog& catalog) {
  std::vector<std::string> lines;
  detail::FactWriter writer(catalog, lines);
  for (const auto& [name, table] : catalog.tables) {
    writer.table(table);
    writer.ties(table);
  }
  for (const auto& [oid, table] : catalog.related) writer.table(table);
  for (const View& view : catalog.views) {
    if (view.name.schema.raw() != ledger_schema) writer.view(view);
  }
  return sorted(std::move(lines));
}

std::string fingerprint(const std::vector<std::string>& facts) {
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(),
                                                                   EVP_MD_CTX_free);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr);
  for (const auto& fact : facts) {
    // With its length before it no two lists of facts run into the same bytes.
    const std::string framed = fmt::format("{}:{}\n", fact.size(), fact);
    EVP_DigestUpdate(context.get(), framed.data(), framed.size());
  }
  EVP_DigestFinal_ex(context.get(), digest.data(), &size);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

std::string difference(const std::vector<std::string>& expected,
                       const std::vector<std::string>& found, std::size_t limit) {
  const auto before = sorted(expected);
  const auto after = sorted(found);
  std::vector<std::string> lines;
  for (const auto& line : only_in(before, after)) lines.push_back("- " + line);
  for (const auto& line : only_in(after, before)) lines.push_back("+ " + line);
  // The two sides of one change stand together, the old one first.
  std::ranges::stable_sort(
      lines, {}, [](const std::string& line) { return subject(std::string_view(line).substr(2)); });
  std::string text;
  for (std::size_t i = 0; i < std::min(limit, lines.size()); ++i) {
    text += (i > 0 ? "\n" : "") + shortened(lines[i]);
  }
  if (lines.size() > limit) {
    text += fmt::format("{}... and {} more", text.empty() ? "" : "\n", lines.size() - limit);
  }
  return text;
}

}  // namespace lockkeeper::catalog
