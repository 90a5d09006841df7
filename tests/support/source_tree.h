// The project's own source files, as the tests of the house read them.
#pragma once

#include <string>
#include <vector>

namespace lockkeeper::support {

struct SourceFile {
  std::string path;  // from the root, such as dbcore/sql/pool.cc
  std::string text;

  // Paths of its #include lines; own only: those in quotes.
  [[nodiscard]] std::vector<std::string> includes(bool own) const;
  [[nodiscard]] bool in(const std::string& folder) const;
};

// All .cc and .h files of the rooms and of tests, in order of their paths.
const std::vector<SourceFile>& source_files();

}  // namespace lockkeeper::support
