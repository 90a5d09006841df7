// A manifest file as Migrations.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "crds/migration.h"

namespace lockkeeper::cli {

struct Documents {
  std::vector<crds::Migration> migrations;  // in the order of the file, each with a namespace
  std::vector<std::string> ignored;         // "Database shop": documents of other kinds
};

// "-" is standard input. invalid with the place of what is wrong, or when there is no Migration.
base::Result<Documents> read_documents(const std::string& file);
// name: for messages.
base::Result<Documents> parse_documents(std::string_view text, const std::string& name);

}  // namespace lockkeeper::cli
