#include <algorithm>

#include "dbcore/catalog/read.h"

namespace lockkeeper::catalog::detail {
namespace {

using sql::Row;
using sql::Rows;

// Takes the values of a row from left to right.
class Reader {
 public:
  explicit Reader(const Row& row) : row_(row) {}
  std::string text() { return row_.text(next_++); }
  std::int64_t integer() { return row_.integer(next_++); }
  Oid oid() { return static_cast<Oid>(integer()); }
  double real() { return row_.real(next_++); }
  bool boolean() { return row_.boolean(next_++); }
  std::vector<std::string> texts() { return row_.array(next_++); }
  // The only character; 0 when there is none.
  char letter() {
    const auto value = row_.view(next_++);
    return value.empty() ? '\0' : value.front();
  }
  sql::QualifiedName qualified_name() {
    auto schema = sql::Identifier::trusted(text());
    return {std::move(schema), sql::Identifier::trusted(text())};
  }

 private:
  Row row_;
  int next_ = 0;
};

// Calls read(table, reader) for each row whose first value is the oid of a table that is known.
template <typename Read>
void for_each(const Rows& rows, const TablesByOid& tables, const Read& read) {
  for (const Row row : rows) {
    Reader reader(row);
    if (Table* table = tables.find(reader.integer())) read(*table, reader);
  }
}

TableKind table_kind(char kind) {
  switch (kind) {
    case 'r': return TableKind::table;
    case 'p': return TableKind::partitioned;
    case 'f': return TableKind::foreign;
    default: return TableKind::other;
  }
}

Identity identity(char kind) {
  if (kind == 'a') return Identity::always;
  return kind == 'd' ? Identity::by_default : Identity::none;
}

GeneratedKind generated(char kind) {
  if (kind == 's') return GeneratedKind::stored;
  return kind == 'v' ? GeneratedKind::on_read : GeneratedKind::none;
}

ConstraintKind constraint_kind(char kind) {
  switch (kind) {
    case 'f': return ConstraintKind::foreign_key;
    case 'p': return ConstraintKind::primary_key;
    case 'u': return ConstraintKind::unique;
    case 'x': return ConstraintKind::exclusion;
    case 't': return ConstraintKind::trigger;
    default: return ConstraintKind::check;
  }
}

Table read_table(Reader& from) {
  Table table;
  table.oid = from.oid();
  table.name = from.qualified_name();
  table.kind = table_kind(from.letter());
  table.persistence = from.letter();
  table.owner = from.text();
  table.comment = from.text();
  table.acl = from.texts();
  table.options = from.texts();
  table.row_security = from.boolean();
  table.force_row_security = from.boolean();
  table.replica_identity = from.letter();
  table.partition_key = from.text();
  table.partition_columns = from.texts();
  table.partition_bound = from.text();
  for (const auto& parent : from.texts()) {
    table.parents.push_back(static_cast<Oid>(std::stoul(parent)));
  }
  table.row_estimate = from.real();
  table.size_bytes = from.integer();
  table.total_bytes = from.integer();
  return table;
}

Column read_column(Reader& from) {
  Column column;
  column.name = from.text();
  column.number = static_cast<int>(from.integer());
  column.type = from.text();
  column.type_oid = from.oid();
  column.type_modifier = static_cast<int>(from.integer());
  column.not_null = from.boolean();
  column.default_expression = from.text();
  column.identity = identity(from.letter());
  column.generated = generated(from.letter());
  column.owned_sequence = from.text();
  column.collation = from.text();
  column.comment = from.text();
  column.statistics_target = static_cast<int>(from.integer());
  column.storage = from.letter();
  column.compression = from.letter();
  column.options = from.texts();
  column.acl = from.texts();
  return column;
}

Index read_index(Reader& from) {
  Index index;
  index.oid = from.oid();
  index.name = from.text();
  index.definition = from.text();
  index.method = from.text();
  index.unique = from.boolean();
  index.primary = from.boolean();
  index.exclusion = from.boolean();
  index.valid = from.boolean();
  index.ready = from.boolean();
  index.partial = from.boolean();
  index.nulls_not_distinct = from.boolean();
  index.immediate = from.boolean();
  index.replica_identity = from.boolean();
  index.clustered = from.boolean();
  for (auto& name : from.texts()) index.keys.push_back({std::move(name)});
  index.included = from.texts();
  index.reads = from.texts();
  index.constraint = from.text();
  index.comment = from.text();
  index.tablespace = from.text();
  index.parent = from.oid();
  index.size_bytes = from.integer();
  return index;
}

Constraint read_constraint(Reader& from) {
  Constraint constraint;
  constraint.oid = from.oid();
  constraint.name = from.text();
  constraint.kind = constraint_kind(from.letter());
  constraint.definition = from.text();
  constraint.columns = from.texts();
  constraint.validated = from.boolean();
  constraint.deferrable = from.boolean();
  constraint.initially_deferred = from.boolean();
  constraint.no_inherit = from.boolean();
  constraint.local = from.boolean();
  constraint.index = from.text();
  constraint.referenced_table = from.oid();
  auto referenced = from.qualified_name();
  if (constraint.referenced_table != 0) constraint.referenced_name = std::move(referenced);
  constraint.referenced_columns = from.texts();
  constraint.comment = from.text();
  constraint.parent = from.oid();
  return constraint;
}

// Bits of pg_trigger.tgtype.
enum TriggerType : std::int64_t {
  for_each_row = 1,
  before = 2,
  on_insert = 4,
  on_delete = 8,
  on_update = 16,
  on_truncate = 32,
  instead = 64
};

Trigger read_trigger(Reader& from) {
  Trigger trigger;
  trigger.name = from.text();
  trigger.definition = from.text();
  trigger.function = from.text();
  const std::int64_t type = from.integer();
  trigger.row = (type & for_each_row) != 0;
  trigger.before = (type & before) != 0;
  trigger.instead = (type & instead) != 0;
  trigger.on_insert = (type & on_insert) != 0;
  trigger.on_update = (type & on_update) != 0;
  trigger.on_delete = (type & on_delete) != 0;
  trigger.on_truncate = (type & on_truncate) != 0;
  trigger.update_of = from.texts();
  trigger.reads = from.texts();
  trigger.enabled = from.letter();
  trigger.constraint = from.boolean();
  trigger.parent = from.oid();
  return trigger;
}

// What a partitioned table holds is in its partitions: sums of theirs.
void add_up(Table& parent, const Table& leaf, bool& all_analyzed) {
  parent.size_bytes += leaf.size_bytes;
  parent.total_bytes += leaf.total_bytes;
  all_analyzed = all_analyzed && leaf.row_estimate >= 0;
  if (all_analyzed) parent.row_estimate = std::max(parent.row_estimate, 0.0) + leaf.row_estimate;
}

}  // namespace

Table* TablesByOid::find(std::int64_t oid) const {
  const auto found = tables_.find(static_cast<Oid>(oid));
  return found == tables_.end() ? nullptr : found->second;
}

Oids read_tables(const Rows& rows, Catalog& into, TablesByOid& tables) {
  Oids oids;
  for (const Row row : rows) {
    Reader reader(row);
    Table table = read_table(reader);
    const bool target = reader.boolean();
    const bool light = reader.boolean();
    const std::string oid = std::to_string(table.oid);
    oids.related.push_back(oid);
    if (!light) oids.full.push_back(oid);
    if (target) oids.target.push_back(oid);
    std::string name = table.name.name.raw();
    tables.add(target
                   ? into.tables.insert_or_assign(std::move(name), std::move(table)).first->second
                   : into.related.insert_or_assign(table.oid, table).first->second);
  }
  return oids;
}

void read_columns(const Rows& rows, const TablesByOid& tables) {
  for_each(rows, tables,
           [](Table& table, Reader& from) { table.columns.push_back(read_column(from)); });
}

void read_indexes(const Rows& rows, const TablesByOid& tables) {
  for_each(rows, tables,
           [](Table& table, Reader& from) { table.indexes.push_back(read_index(from)); });
}

void read_constraints(const Rows& rows, const TablesByOid& tables) {
  for_each(rows, tables,
           [](Table& table, Reader& from) { table.constraints.push_back(read_constraint(from)); });
}

void read_triggers(const Rows& rows, const TablesByOid& tables) {
  for_each(rows, tables,
           [](Table& table, Reader& from) { table.triggers.push_back(read_trigger(from)); });
}

void read_policies(const Rows& rows, const TablesByOid& tables) {
  for_each(rows, tables, [](Table& table, Reader& from) {
    Policy policy;
    policy.name = from.text();
    policy.definition = from.text();
    policy.reads = from.texts();
    table.policies.push_back(std::move(policy));
  });
}

void read_incoming_references(const Rows& rows, const TablesByOid& tables) {
  for_each(rows, tables, [](Table& table, Reader& from) {
    IncomingReference reference;
    reference.table = from.oid();
    reference.table_name = from.qualified_name();
    reference.constraint = from.text();
    reference.columns = from.texts();
    reference.referenced_columns = from.texts();
    table.referenced_by.push_back(std::move(reference));
  });
}

void read_dependents(const Rows& rows, const TablesByOid& tables) {
  for_each(rows, tables, [](Table& table, Reader& from) {
    from.integer();  // the column's number, for the order
    Dependent dependent;
    dependent.column = from.text();
    dependent.description = from.text();
    dependent.kind = from.text();
    table.dependents.push_back(std::move(dependent));
  });
}

void read_statistics(const Rows& rows, const TablesByOid& tables) {
  for_each(rows, tables, [](Table& table, Reader& from) {
    Statistics statistics;
    statistics.name = from.qualified_name();
    statistics.kinds = from.texts();
    statistics.columns = from.texts();
    statistics.expressions = from.boolean();
    statistics.owner = from.text();
    statistics.comment = from.text();
    statistics.target = static_cast<int>(from.integer());
    table.statistics.push_back(std::move(statistics));
  });
}

void read_children(const Rows& rows, const TablesByOid& tables) {
  std::map<Oid, bool> all_analyzed;
  for_each(rows, tables, [&](Table& table, Reader& from) {
    const bool direct = from.boolean();
    const Oid oid = from.oid();
    auto name = from.qualified_name();
    const bool leaf = from.boolean();
    if (direct) table.children.emplace_back(oid, name);
    if (!leaf || table.kind != TableKind::partitioned) return;
    table.partitions.push_back(std::move(name));
    const auto known = all_analyzed.try_emplace(table.oid, true).first;
    if (known->second && table.partitions.size() == 1) table.row_estimate = -1;
    if (const Table* partition = tables.find(oid)) add_up(table, *partition, known->second);
    if (!known->second) table.row_estimate = -1;
  });
}

void read_publications(const Rows& rows, const TablesByOid& tables) {
  for_each(rows, tables,
           [](Table& table, Reader& from) { table.publications.push_back(from.text()); });
}

Server read_server(const Row& row) {
  Reader from(row);
  Server server;
  server.version_num = static_cast<int>(from.integer());
  server.database = from.text();
  server.database_oid = from.oid();
  from.boolean();  // whether the system identifier may be asked for
  server.in_recovery = from.boolean();
  server.user = from.text();
  server.superuser = from.boolean();
  server.bypass_rls = from.boolean();
  server.can_create_schema = from.boolean();
  server.sees_all_activity = from.boolean();
  server.max_connections = static_cast<int>(from.integer());
  server.deadlock_timeout_ms = from.integer();
  server.all_time_zones_utc = from.boolean();
  return server;
}

}  // namespace lockkeeper::catalog::detail
