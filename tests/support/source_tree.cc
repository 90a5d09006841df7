#include "tests/support/source_tree.h"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "tests/support/paths.h"
#include "tests/support/process.h"

namespace lockkeeper::support {
namespace {

namespace fs = std::filesystem;

std::vector<SourceFile> read_tree() {
  std::vector<SourceFile> files;
  for (const char* room : {"dbcore", "crds", "reconciler", "operator", "tests"}) {
    if (!fs::exists(source_dir() / room)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(source_dir() / room)) {
      const auto extension = entry.path().extension();
      if (extension != ".cc" && extension != ".h") continue;
      files.push_back({fs::relative(entry.path(), source_dir()), read_file(entry.path())});
    }
  }
  std::ranges::sort(files, {}, &SourceFile::path);
  return files;
}

}  // namespace

std::vector<std::string> SourceFile::includes(bool own) const {
  std::vector<std::string> found;
  std::istringstream lines(text);
  const std::string start = own ? "#include \"" : "#include <";
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind(start, 0) != 0) continue;
    const auto end = line.find_first_of("\">", start.size());
    found.push_back(line.substr(start.size(), end - start.size()));
  }
  return found;
}

bool SourceFile::in(const std::string& folder) const {
  return path.rfind(folder + "/", 0) == 0;
}

const std::vector<SourceFile>& source_files() {
  static const std::vector<SourceFile> files = read_tree();
  return files;
}

}  // namespace lockkeeper::support
