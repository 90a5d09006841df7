// libpg_query's tree as an owned value, walked by the descriptors of its messages. Only parse*.cc
// includes this.
//
// A Tree has one owner. Everything here recurses as deep as the tree: call it under with_stack().
#pragma once

#include <pg_query.pb-c.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "dbcore/base/result.h"
#include "dbcore/sql/parse_guard.h"

namespace lockkeeper::sql::parse::detail {

class Tree {
 public:
  // invalid with the position when the grammar does not take it. The first `prefix` bytes are our
  // own and not counted in positions.
  static base::Result<Tree> parse(const std::string& text, std::size_t prefix = 0);

  PgQuery__ParseResult& operator*() const { return *root_; }
  PgQuery__ParseResult* operator->() const { return root_.get(); }
  // The node of the only statement; null when there is none or more than one.
  [[nodiscard]] PgQuery__Node* only_statement() const;

 private:
  struct Free {
    void operator()(PgQuery__ParseResult* root) const {
      pg_query__parse_result__free_unpacked(root, nullptr);
    }
  };
  explicit Tree(PgQuery__ParseResult* root) : root_(root) {}
  std::unique_ptr<PgQuery__ParseResult, Free> root_;
};

// Calls visit for the message and all below it, parents first; it returns false to skip what is
// below.
void walk(ProtobufCMessage& message, const std::function<bool(ProtobufCMessage&)>& visit);

// Equal but for locations.
bool same_tree(const ProtobufCMessage& a, const ProtobufCMessage& b);

// The message as T when it is one, else null.
template <typename T>
T* as(ProtobufCMessage& message, const ProtobufCMessageDescriptor& descriptor) {
  return message.descriptor == &descriptor ? reinterpret_cast<T*>(&message)  // NOLINT
                                           : nullptr;
}

// The text of a String node; empty for any other.
std::string_view string_of(const PgQuery__Node* node);
// Replaces a string that the tree owns.
void set_string(char*& slot, std::string_view text);
// Makes qualifier.column of column.
void prepend(PgQuery__ColumnRef& column, std::string_view qualifier);

// The value of a SELECT that says nothing but this one value, without a name; else null.
PgQuery__Node* only_target(const Tree& tree);

// The text parses to this very tree, but for locations. An edit of the text is proved by it: the
// tree says what must come out, the text is only how it is spelled.
bool spells(const std::string& text, const Tree& tree);
// The error when it does not.
base::Error cannot_spell(std::string_view text);

// Parses under the guard and hands the tree to use(tree, scan), all on a stack that is large
// enough. `prefix` and `suffix` are put around the text; locations in the tree count the prefix.
template <typename T>
base::Result<T> with_tree(std::string_view prefix, std::string_view text, std::string_view suffix,
                          const std::function<base::Result<T>(Tree&, const Scan&)>& use) {
  TRY(const Scan scanned, scan(text));
  base::Result<T> result = base::unavailable("no thread to parse SQL on");
  const std::string whole = std::string(prefix).append(text).append(suffix);
  const bool ran = with_stack(scanned.nesting, [&] {
    auto tree = Tree::parse(whole, prefix.size());
    if (tree.ok()) {
      result = use(*tree, scanned);
    } else {
      result = std::move(tree).error();
    }
  });
  if (!ran) return base::unavailable("no thread to parse SQL on");
  return result;
}

}  // namespace lockkeeper::sql::parse::detail
