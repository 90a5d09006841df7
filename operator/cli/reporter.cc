#include "operator/cli/reporter.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace lockkeeper::cli {
namespace {

constexpr int bar_cells = 20;
constexpr std::chrono::seconds line_every{5};

std::string phase_of(const crds::Migration& migration) {
  return std::string(to_string(migration.status.phase.value_or(crds::Phase::pending)));
}

std::string steps_of(const crds::Migration& migration) {
  return migration.status.steps ? migration.status.steps->progress : std::string();
}

int percent_of(const crds::Migration& migration) {
  int percent = 0;
  const std::string& text = migration.status.progress;
  std::from_chars(text.data(), text.data() + text.size(), percent);
  return std::clamp(percent, 0, 100);
}

// Rows while they are filled, else steps.
int share_done(const crds::Migration& migration) {
  if (migration.status.phase == crds::Phase::backfilling) return percent_of(migration);
  const auto& steps = migration.status.steps;
  if (!steps || steps->total == 0) return 0;
  return std::clamp(100 * steps->done / steps->total, 0, 100);
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

// At most width characters of UTF-8.
std::string fit(const std::string& text, int width) {
  int seen = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool starts = (static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U;
    if (starts && seen++ == width) return text.substr(0, i);
  }
  return text;
}

std::string join(std::initializer_list<std::string> parts) {
  std::string line;
  for (const std::string& part : parts) {
    if (part.empty()) continue;
    if (!line.empty()) line += "  ";
    line += part;
  }
  return line;
}

}  // namespace

std::string bar_line(const crds::Migration& migration, int width) {
  const int share = share_done(migration);
  const int full = share * bar_cells / 100;
  const std::string bar = fmt::format("[{:#>{}}{:->{}}]", "", full, "", bar_cells - full);
  return fit(join({migration.metadata.name, bar, fmt::format("{:>3}%", share), steps_of(migration),
                   phase_of(migration), one_line(migration.status.message)}),
             width);
}

std::string plain_line(const crds::Migration& migration) {
  return join({migration.metadata.name, phase_of(migration), steps_of(migration),
               migration.status.progress, one_line(migration.status.message)});
}

void Reporter::show(const crds::Migration& migration, std::chrono::steady_clock::time_point now) {
  if (console_.terminal) {
    const std::string line = bar_line(migration, console_.width - 1);
    if (line == drawn_) return;
    drawn_ = line;
    console_.err << "\r\x1b[K" << line << std::flush;
    return;
  }
  const std::string gist =
      join({migration.metadata.name, phase_of(migration), steps_of(migration)});
  const bool same_message = plain_line(migration) == drawn_;
  if (same_message || (gist == last_ && now - last_at_ < line_every)) return;
  last_ = gist;
  last_at_ = now;
  drawn_ = plain_line(migration);
  console_.err << drawn_ << '\n' << std::flush;
}

void Reporter::finish() {
  if (console_.terminal && !drawn_.empty()) console_.err << '\n' << std::flush;
  drawn_.clear();
  last_.clear();
}

}  // namespace lockkeeper::cli
