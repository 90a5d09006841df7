#include "dbcore/plan/contract.h"

#include <fmt/format.h>

#include <algorithm>

#include "dbcore/plan/emit.h"
#include "dbcore/plan/index_builds.h"
#include "dbcore/sql/parse.h"

namespace lockkeeper::plan {
namespace {

using sql::format;
using sql::Fragment;
using sql::Identifier;
using sql::Literal;

class Swap {
 public:
  Swap(const Draft& draft, const Prepared& prepared, std::vector<Fragment>& out)
      : draft_(&draft), prepared_(&prepared), table_(prepared.name()), out_(&out) {}

  void run() {
    for (const auto& column : prepared_->table->columns) move_sequence(column);
    drop_columns();
    for (const auto& column : prepared_->table->columns) rename(column);
    for (const auto& twin : prepared_->twins.constraints) take_name(twin);
    for (const auto& twin : prepared_->twins.indexes) take_name(twin);
    for (const auto& column : prepared_->table->columns) settle(column);
    for (const auto& one : prepared_->table->start->statistics) make_again(one);
  }

 private:
  void add(const Fragment& statement) { out_->push_back(statement); }

  void alter(const Fragment& what) { add(format("ALTER TABLE {} {}", table_, what)); }

  // Sequences follow the column before the old one takes them with it.
  void move_sequence(const ColumnDraft& column) {
    if (column.dropped || !column.retyped || column.start->owned_sequence.empty()) return;
    if (column.start->identity != catalog::Identity::none) {
      copy_identity(column);
      return;
    }
    const auto sequence = Fragment::trusted(column.start->owned_sequence);
    if (column.type == "bigint" || column.type == "integer" || column.type == "smallint") {
      add(format("ALTER SEQUENCE {} AS {}", sequence, Fragment::trusted(column.type)));
    }
    add(format("ALTER SEQUENCE {} OWNED BY {}.{}", sequence, table_, column_name(column.shadow)));
  }

  // The options of an identity column live in its sequence only; they are read where they are used.
  void copy_identity(const ColumnDraft& column) {
    const auto kind = Fragment::trusted(
        column.start->identity == catalog::Identity::always ? "ALWAYS" : "BY DEFAULT");
    const auto alter_text = format(
        "ALTER TABLE {} ALTER COLUMN {} ADD GENERATED {} AS IDENTITY (START WITH %s INCREMENT "
        "BY %s MINVALUE %s CACHE %s %s)",
        table_, column_name(column.shadow), kind);
    const auto body = format(
        "DECLARE\n"
        "  old pg_catalog.pg_sequence;\n"
        "  last bigint;\n"
        "  called boolean;\n"
        "BEGIN\n"
        "  SELECT * INTO STRICT old FROM pg_catalog.pg_sequence WHERE seqrelid = "
        "{0}::pg_catalog.regclass;\n"
        "  SELECT last_value, is_called INTO STRICT last, called FROM {1};\n"
        "  EXECUTE pg_catalog.format({2}, old.seqstart, old.seqincrement, old.seqmin, "
        "old.seqcache, "
        "CASE WHEN old.seqcycle THEN 'CYCLE' ELSE 'NO CYCLE' END);\n"
        "  PERFORM pg_catalog.setval(pg_catalog.pg_get_serial_sequence({3}, "
        "{4})::pg_catalog.regclass, "
        "last, called);\n"
        "END",
        Literal{column.start->owned_sequence}, Fragment::trusted(column.start->owned_sequence),
        Literal{escaped(alter_text.text())}, Literal{table_.quoted()}, Literal{column.shadow});
    add(format("DO {}", Literal{body.text()}));
    renamed_sequences_.push_back(&column);
  }

  // For format(): its only specifiers are ours.
  static std::string escaped(const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      out += text[i];
      if (text[i] == '%' && (i + 1 >= text.size() || text[i + 1] != 's')) out += '%';
    }
    return out;
  }

  void drop_columns() {
    std::vector<Fragment> drops;
    for (const auto& column : prepared_->table->columns) {
      const bool goes = column.dropped || column.retyped;
      if (goes) drops.push_back(format("DROP COLUMN {}", column_name(column.start->name)));
    }
    for (const auto& name : prepared_->passing_columns()) {
      drops.push_back(format("DROP COLUMN {}", column_name(name)));
    }
    if (!drops.empty()) alter(sql::join(drops));
  }

  void rename(const ColumnDraft& column) {
    const bool original = column.renamed() && !column.retyped;
    const bool hidden = column.retyped && !column.visible;
    if (original || hidden) {
      alter(format("RENAME COLUMN {} TO {}",
                   column_name(original ? column.start->name : column.shadow),
                   column_name(column.name)));
    }
    if (column.native) change_in_place(column);
  }

  void change_in_place(const ColumnDraft& column) {
    // PostgreSQL finds the two timestamps alike only where both are UTC.
    if (column.type.find("with time zone") != std::string::npos) {
      add(Fragment::trusted("SET LOCAL TimeZone = 'UTC'"));
    }
    const auto collate = column.collation.empty()
                             ? Fragment()
                             : format(" COLLATE {}", Fragment::trusted(column.collation));
    alter(format("ALTER COLUMN {} TYPE {}{}", column_name(column.name),
                 Fragment::trusted(column.type), collate));
  }

  void take_name(const ConstraintTwin& twin) {
    if (!twin.lasts) return;
    const auto name = Identifier::trusted(twin.constraint->name);
    alter(format("RENAME CONSTRAINT {} TO {}", Identifier::trusted(twin.name), name));
    if (!twin.constraint->comment.empty()) {
      add(format("COMMENT ON CONSTRAINT {} ON {} IS {}", name, table_,
                 Literal{twin.constraint->comment}));
    }
  }

  void take_name(const IndexTwin& twin) {
    if (!twin.lasts) return;
    const auto& index = *twin.index;
    const auto name = Identifier::trusted(index.name);
    const sql::QualifiedName qualified{table_.schema, name};
    if (index.constraint.empty()) {
      add(format("ALTER INDEX {} RENAME TO {}",
                 sql::QualifiedName{table_.schema, Identifier::trusted(twin.name)}, name));
    } else {
      alter(format("ADD CONSTRAINT {} {} USING INDEX {}", Identifier::trusted(index.constraint),
                   Fragment::trusted(index.primary ? "PRIMARY KEY" : "UNIQUE"),
                   Identifier::trusted(twin.name)));
      comment_constraint(index);
    }
    take_part_names(twin);
    if (index.clustered) alter(format("CLUSTER ON {}", name));
    if (index.replica_identity) alter(format("REPLICA IDENTITY USING INDEX {}", name));
    if (!index.comment.empty()) {
      add(format("COMMENT ON INDEX {} IS {}", qualified, Literal{index.comment}));
    }
  }

  void comment_constraint(const catalog::Index& index) {
    const auto* constraint = prepared_->table->start->constraint(index.constraint);
    if (constraint == nullptr || constraint->comment.empty()) return;
    add(format("COMMENT ON CONSTRAINT {} ON {} IS {}", Identifier::trusted(constraint->name),
               table_, Literal{constraint->comment}));
  }

  // Parts of a partitioned index were built under names of ours; they take those of the old parts.
  void take_part_names(const IndexTwin& twin) {
    if (!prepared_->partitioned()) return;
    const auto& catalog = draft_->start();
    std::map<std::string, catalog::Oid> old = {{twin.name, twin.index->oid}};
    for (const auto& part : index_parts(catalog, *prepared_->table->start, twin.name)) {
      auto name = bounded(part.table.name + "_" + twin.index->name);
      const auto related = catalog.related.find(part.table.oid);
      if (related != catalog.related.end()) {
        for (const auto& index : related->second.indexes) {
          if (index.parent != 0 && index.parent == old[part.parent]) {
            name = index.name;
            old[part.name] = index.oid;
          }
        }
      }
      add(format("ALTER INDEX {} RENAME TO {}",
                 sql::QualifiedName{Identifier::trusted(part.table.schema),
                                    Identifier::trusted(part.name)},
                 Identifier::trusted(name)));
    }
  }

  // Extended statistics went with the column that was replaced.
  void make_again(const catalog::Statistics& one) {
    bool gone = false;
    std::vector<Fragment> columns;
    for (const auto& name : one.columns) {
      const auto draft =
          std::find_if(prepared_->table->columns.begin(), prepared_->table->columns.end(),
                       [&](const ColumnDraft& c) { return !c.added() && c.start->name == name; });
      const bool touched = draft != prepared_->table->columns.end();
      gone = gone || (touched && draft->retyped);
      columns.push_back(column_name(touched ? draft->name : name));
    }
    if (!gone) return;
    std::vector<Fragment> kinds;
    for (const auto& kind : one.kinds) kinds.push_back(Fragment::trusted(kind));
    add(format("CREATE STATISTICS {} ({}) ON {} FROM {}", one.name, sql::join(kinds),
               sql::join(columns), table_));
    add(format("ALTER STATISTICS {} OWNER TO {}", one.name, Identifier::trusted(one.owner)));
    if (one.target >= 0) add(format("ALTER STATISTICS {} SET STATISTICS {}", one.name, one.target));
    if (!one.comment.empty()) {
      add(format("COMMENT ON STATISTICS {} IS {}", one.name, Literal{one.comment}));
    }
  }

  void settle(const ColumnDraft& column) {
    if (column.dropped) return;
    if (column.retyped && column.start->identity == catalog::Identity::none &&
        !column.start->default_expression.empty()) {
      move_default(column);
    }
    if (column.computed() && column.default_value) {
      set_default(column.name, column.default_value->formula.text);
    }
    if (!column.sequence.empty()) make_identity(column);
    if (std::find(renamed_sequences_.begin(), renamed_sequences_.end(), &column) !=
        renamed_sequences_.end()) {
      name_sequence(column);
    }
  }

  void set_default(const std::string& column, const Fragment& value) {
    alter(format("ALTER COLUMN {} SET DEFAULT {}", column_name(column), value));
  }

  void move_default(const ColumnDraft& column) {
    const auto text = Fragment::trusted(column.start->default_expression);
    if (!column.start->owned_sequence.empty() || column.plain_cast) {
      set_default(column.name, text);
    } else if (converts_default(column)) {
      convert_default(column, text);
    } else {
      set_default(column.name, format("CAST({} AS {})", text, Fragment::trusted(column.type)));
    }
  }

  // What `up` made of a row that took the default is the default from now on.
  void convert_default(const ColumnDraft& column, const Fragment& text) {
    const auto statement =
        format("ALTER TABLE {} ALTER COLUMN {} SET DEFAULT %s", table_, column_name(column.name));
    const auto body = format(
        "DECLARE\n  value {};\nBEGIN\n  SELECT {} INTO STRICT value FROM (SELECT CAST({} AS {}) AS "
        "{}) "
        "AS row_of_default;\n  EXECUTE pg_catalog.format({}, "
        "pg_catalog.quote_nullable(value));\nEND",
        Fragment::trusted(column.type), column.up->text, text,
        Fragment::trusted(column.start->type), column_name(column.start->name),
        Literal{escaped(statement.text())});
    add(format("DO {}", Literal{body.text()}));
  }

  void make_identity(const ColumnDraft& column) {
    const sql::QualifiedName sequence{draft_->start().schema, Identifier::trusted(column.sequence)};
    alter(format("ALTER COLUMN {} DROP DEFAULT", column_name(column.name)));
    alter(format(
        "ALTER COLUMN {} ADD GENERATED {} AS IDENTITY", column_name(column.name),
        Fragment::trusted(*column.definition->identity == "Always" ? "ALWAYS" : "BY DEFAULT")));
    add(
        format("SELECT pg_catalog.setval(pg_catalog.pg_get_serial_sequence({}, "
               "{})::pg_catalog.regclass, last_value, is_called) FROM {}",
               Literal{table_.quoted()}, Literal{column.name}, sequence));
    add(format("DROP SEQUENCE {}", sequence));
  }

  // The new identity's sequence was named after the column's passing name.
  void name_sequence(const ColumnDraft& column) {
    const auto body = format(
        "BEGIN EXECUTE pg_catalog.format('ALTER SEQUENCE %s RENAME TO %I', "
        "pg_catalog.pg_get_serial_sequence({}, {}), {}); END",
        Literal{table_.quoted()}, Literal{column.name},
        Literal{last_part(column.start->owned_sequence)});
    add(format("DO {}", Literal{body.text()}));
  }

  // The name in "schema"."name".
  static std::string last_part(const std::string& quoted) {
    std::vector<std::string> parts(1);
    bool inside = false;
    for (std::size_t i = 0; i < quoted.size(); ++i) {
      if (quoted[i] == '"' && inside && i + 1 < quoted.size() && quoted[i + 1] == '"') {
        parts.back() += quoted[i++];
      } else if (quoted[i] == '"') {
        inside = !inside;
      } else if (quoted[i] == '.' && !inside) {
        parts.emplace_back();
      } else {
        parts.back() += quoted[i];
      }
    }
    return parts.back();
  }

  const Draft* draft_;
  const Prepared* prepared_;
  sql::QualifiedName table_;
  std::vector<Fragment>* out_;
  std::vector<const ColumnDraft*> renamed_sequences_;
};

bool on_any(const catalog::Constraint& constraint, const std::vector<std::string>& columns) {
  return std::any_of(constraint.columns.begin(), constraint.columns.end(),
                     [&](const std::string& name) {
                       return std::find(columns.begin(), columns.end(), name) != columns.end();
                     });
}

bool constant_default(const ColumnDraft& column) {
  const auto parsed = sql::parse::expression(column.start->default_expression);
  return parsed.ok() && parsed->constant;
}

}  // namespace

bool converts_default(const ColumnDraft& column) {
  return column.up->columns == std::set<std::string>{column.start->name} &&
         constant_default(column);
}

std::vector<const catalog::Constraint*> foreign_keys_that_go(const Prepared& prepared) {
  std::vector<std::string> going;
  for (const auto& column : prepared.table->columns) {
    if (column.dropped || column.retyped) going.push_back(column.start->name);
  }
  std::vector<const catalog::Constraint*> out;
  for (const auto& constraint : prepared.table->start->constraints) {
    if (constraint.kind == catalog::ConstraintKind::foreign_key && on_any(constraint, going)) {
      out.push_back(&constraint);
    }
  }
  for (const auto& twin : prepared.twins.constraints) {
    if (twin.constraint->kind == catalog::ConstraintKind::foreign_key) {
      out.push_back(twin.constraint);
    }
  }
  return out;
}

void drop_router(const Prepared& prepared, std::vector<Fragment>& out) {
  if (!prepared.table->routed()) return;
  const auto trigger = Identifier::trusted(prepared.table->trigger);
  out.push_back(format("DROP TRIGGER {} ON {}", trigger, prepared.name()));
  for (const auto& child : prepared.descendants) {
    out.push_back(format("DROP TRIGGER {} ON {}", trigger, child.qualified()));
  }
  out.push_back(format("DROP FUNCTION {}.{}()", Identifier::trusted(function_schema),
                       Identifier::trusted(prepared.table->function)));
}

base::Result<void> swap_columns(const Draft& draft, const Prepared& prepared,
                                std::vector<Fragment>& out) {
  Swap(draft, prepared, out).run();
  return base::ok();
}

}  // namespace lockkeeper::plan
