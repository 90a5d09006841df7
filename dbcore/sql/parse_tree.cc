#include "dbcore/sql/parse_tree.h"

#include <fmt/format.h>
#include <pg_query.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>

namespace lockkeeper::sql::parse::detail {
namespace {

struct Parsed {
  PgQueryProtobufParseResult result;
  explicit Parsed(const std::string& text) : result(pg_query_parse_protobuf(text.c_str())) {}
  ~Parsed() { pg_query_free_protobuf_parse_result(result); }
  Parsed(const Parsed&) = delete;
  Parsed& operator=(const Parsed&) = delete;
};

// One field of a message, seen through its descriptor.
class FieldView {
 public:
  FieldView(const ProtobufCMessage& message, const ProtobufCFieldDescriptor& field)
      : base_(reinterpret_cast<const char*>(&message)), field_(&field) {}  // NOLINT

  [[nodiscard]] const ProtobufCFieldDescriptor& field() const { return *field_; }
  [[nodiscard]] bool repeated() const { return field_->label == PROTOBUF_C_LABEL_REPEATED; }
  // How many values are there: 0 or 1 for a field that is not repeated.
  [[nodiscard]] std::size_t count() const {
    if (repeated()) return read<std::size_t>(field_->quantifier_offset);
    const bool one_of = (field_->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
    return one_of && read<std::uint32_t>(field_->quantifier_offset) != field_->id ? 0 : 1;
  }
  // Where value i stands.
  [[nodiscard]] const char* at(std::size_t i, std::size_t size) const {
    if (!repeated()) return base_ + field_->offset;
    return read<const char*>(field_->offset) + i * size;
  }
  template <typename T>
  [[nodiscard]] T value(std::size_t i) const {
    T result;
    std::memcpy(&result, at(i, sizeof(T)), sizeof(T));  // NOLINT(bugprone-sizeof-expression)
    return result;
  }
  [[nodiscard]] ProtobufCMessage* message(std::size_t i) const {
    return value<ProtobufCMessage*>(i);
  }

 private:
  template <typename T>
  [[nodiscard]] T read(unsigned offset) const {
    T result;
    std::memcpy(&result, base_ + offset, sizeof(T));
    return result;
  }
  const char* base_;
  const ProtobufCFieldDescriptor* field_;
};

// The fields that may hold something. A Node is one of 230 messages: only the one that it is.
std::span<const ProtobufCFieldDescriptor> fields_of(const ProtobufCMessage& message) {
  const ProtobufCMessageDescriptor& descriptor = *message.descriptor;
  if (&descriptor != &pg_query__node__descriptor) {
    return {descriptor.fields, descriptor.n_fields};
  }
  const auto& node = reinterpret_cast<const PgQuery__Node&>(message);  // NOLINT(*-reinterpret-cast)
  const auto* field =
      protobuf_c_message_descriptor_get_field(&descriptor, static_cast<unsigned>(node.node_case));
  return {field, field == nullptr ? 0U : 1U};
}

bool is_location(const ProtobufCFieldDescriptor& field) {
  const std::string_view name = field.name;
  return name == "location" || name == "stmt_location" || name == "stmt_len";
}

std::string_view text_of(const char* text) {
  return text == nullptr ? "" : text;
}

bool same_value(const FieldView& a, const FieldView& b, std::size_t i) {
  switch (a.field().type) {
    case PROTOBUF_C_TYPE_MESSAGE: {
      const ProtobufCMessage* left = a.message(i);
      const ProtobufCMessage* right = b.message(i);
      if (left == nullptr || right == nullptr) return left == right;
      return same_tree(*left, *right);
    }
    case PROTOBUF_C_TYPE_STRING:
      return text_of(a.value<const char*>(i)) == text_of(b.value<const char*>(i));
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_DOUBLE: return a.value<std::uint64_t>(i) == b.value<std::uint64_t>(i);
    default:  // int32, uint32, bool and enum: all four bytes in protobuf-c
      return a.value<std::uint32_t>(i) == b.value<std::uint32_t>(i);
  }
}

bool same_field(const FieldView& a, const FieldView& b) {
  if (is_location(a.field())) return true;
  if (a.count() != b.count()) return false;
  for (std::size_t i = 0; i < a.count(); ++i) {
    if (!same_value(a, b, i)) return false;
  }
  return true;
}

}  // namespace

base::Result<Tree> Tree::parse(const std::string& text, std::size_t prefix) {
  const Parsed parsed(text);
  if (parsed.result.error != nullptr) {
    // Only our own ASCII stands before the text, so its bytes are characters.
    const int character = parsed.result.error->cursorpos - static_cast<int>(prefix);
    return syntax_error(parsed.result.error->message,
                        position(std::string_view(text).substr(prefix), character));
  }
  auto* root = pg_query__parse_result__unpack(
      nullptr, parsed.result.parse_tree.len,
      reinterpret_cast<const std::uint8_t*>(parsed.result.parse_tree.data));  // NOLINT
  if (root == nullptr) return base::internal("the parser's answer cannot be read");
  return Tree(root);
}

PgQuery__Node* Tree::only_statement() const {
  return root_->n_stmts == 1 ? root_->stmts[0]->stmt : nullptr;
}

PgQuery__Node* only_target(const Tree& tree) {
  const PgQuery__Node* statement = tree.only_statement();
  if (statement == nullptr || statement->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) {
    return nullptr;
  }
  PgQuery__SelectStmt& found = *statement->select_stmt;
  if (found.n_target_list != 1) return nullptr;
  PgQuery__Node& target = *found.target_list[0];
  if (target.node_case != PG_QUERY__NODE__NODE_RES_TARGET) return nullptr;
  const PgQuery__ResTarget& result = *target.res_target;
  if (result.val == nullptr || *result.name != '\0' || result.n_indirection != 0) return nullptr;

  // Nothing else may have been said: compare with a SELECT that has this target alone.
  PgQuery__SelectStmt bare = PG_QUERY__SELECT_STMT__INIT;
  bare.n_target_list = 1;
  bare.target_list = found.target_list;
  bare.limit_option = found.limit_option;
  bare.op = found.op;
  const bool plain = found.op == PG_QUERY__SET_OPERATION__SETOP_NONE &&
                     found.limit_option == PG_QUERY__LIMIT_OPTION__LIMIT_OPTION_DEFAULT;
  return plain && detail::same_tree(bare.base, found.base) ? result.val : nullptr;
}

bool spells(const std::string& text, const Tree& tree) {
  const auto again = Tree::parse(text);
  return again.ok() && same_tree((*tree).base, (**again).base);
}

base::Error cannot_spell(std::string_view text) {
  return base::invalid("SQL cannot be rewritten with certainty")
      .with_detail(fmt::format("what came out means something else: {}", shortened(text)))
      .with_hint("write it in a plainer form, without comments and unusual quoting")
      .with_reason("CannotJudge");
}

void walk(ProtobufCMessage& message, const std::function<bool(ProtobufCMessage&)>& visit) {
  std::vector<ProtobufCMessage*> waiting{&message};
  while (!waiting.empty()) {
    ProtobufCMessage* next = waiting.back();
    waiting.pop_back();
    if (!visit(*next)) continue;
    const std::size_t first_child = waiting.size();
    for (const auto& descriptor : fields_of(*next)) {
      if (descriptor.type != PROTOBUF_C_TYPE_MESSAGE) continue;
      const FieldView field(*next, descriptor);
      for (std::size_t i = 0; i < field.count(); ++i) {
        if (auto* child = field.message(i)) waiting.push_back(child);
      }
    }
    std::reverse(waiting.begin() + static_cast<std::ptrdiff_t>(first_child), waiting.end());
  }
}

bool same_tree(const ProtobufCMessage& a, const ProtobufCMessage& b) {
  if (a.descriptor != b.descriptor) return false;
  const auto fields = fields_of(a);
  return fields.data() == fields_of(b).data() &&
         std::ranges::all_of(fields, [&](const ProtobufCFieldDescriptor& field) {
           return same_field({a, field}, {b, field});
         });
}

std::string_view string_of(const PgQuery__Node* node) {
  if (node == nullptr || node->node_case != PG_QUERY__NODE__NODE_STRING) return {};
  return node->string->sval;
}

void set_string(char*& slot, std::string_view text) {
  auto* copy = static_cast<char*>(std::malloc(text.size() + 1));  // NOLINT
  if (copy == nullptr) std::abort();
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  if (slot != protobuf_c_empty_string) std::free(slot);  // NOLINT
  slot = copy;
}

namespace {

PgQuery__Node* make_string(std::string_view text) {
  // protobuf-c frees what malloc gave.
  auto* node = static_cast<PgQuery__Node*>(std::malloc(sizeof(PgQuery__Node)));       // NOLINT
  auto* value = static_cast<PgQuery__String*>(std::malloc(sizeof(PgQuery__String)));  // NOLINT
  if (node == nullptr || value == nullptr) std::abort();
  pg_query__node__init(node);
  pg_query__string__init(value);
  set_string(value->sval, text);
  node->node_case = PG_QUERY__NODE__NODE_STRING;
  node->string = value;
  return node;
}

}  // namespace

void prepend(PgQuery__ColumnRef& column, std::string_view qualifier) {
  const std::size_t bytes = (column.n_fields + 1) * sizeof(*column.fields);          // NOLINT
  auto** fields = static_cast<PgQuery__Node**>(std::realloc(column.fields, bytes));  // NOLINT
  if (fields == nullptr) std::abort();
  std::copy_backward(fields, fields + column.n_fields, fields + column.n_fields + 1);
  fields[0] = make_string(qualifier);
  column.fields = fields;
  ++column.n_fields;
}

}  // namespace lockkeeper::sql::parse::detail
