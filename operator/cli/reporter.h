// Shows how a Migration goes on: one line that is redrawn on a terminal, lines elsewhere.
#pragma once

#include <chrono>
#include <string>

#include "crds/migration.h"
#include "operator/cli/console.h"

namespace lockkeeper::cli {

// "users-v2  [########------------]  41%  3/7  Backfilling  users: 410000 of ..."; at most width
// characters.
std::string bar_line(const crds::Migration& migration, int width);
// "users-v2  Backfilling  3/7  41%  users: 410000 of ..."
std::string plain_line(const crds::Migration& migration);

class Reporter {
 public:
  explicit Reporter(const Console& console) : console_(console) {}
  ~Reporter() { finish(); }
  Reporter(const Reporter&) = delete;
  Reporter& operator=(const Reporter&) = delete;

  void show(const crds::Migration& migration, std::chrono::steady_clock::time_point now);
  // Leaves the redrawn line.
  void finish();

 private:
  const Console& console_;
  std::string last_;  // what the last line said but for its numbers
  std::string drawn_;
  std::chrono::steady_clock::time_point last_at_{};
};

}  // namespace lockkeeper::cli
