// What the operations of a list need, gathered by table before any step is made: so that one ALTER
// TABLE, one router, one backfill pass and one contract serve them all. Filled by plan() of the
// operations, read by the emitters. Not thread-safe; one per plan.
#pragma once

#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "dbcore/catalog/catalog.h"
#include "dbcore/plan/formula.h"
#include "dbcore/plan/names.h"
#include "dbcore/plan/operation.h"
#include "dbcore/plan/plan.h"
#include "dbcore/plan/refusal.h"

namespace lockkeeper::plan {

// One column from the first operation that touches it to the last.
struct ColumnDraft {
  const catalog::Column* start = nullptr;  // as it is now; null: the list adds it
  std::string name;                        // as the list leaves it
  std::string type;                        // as the list leaves it, canonical
  std::string collation;                   // quoted, when not the type's own
  bool dropped = false;
  bool retyped = false;     // its content moves to a second column
  bool native = false;      // its type changes in place, metadata only
  bool visible = false;     // of retyped: the second column stands under its final name
  bool not_null = false;    // to be proven and set
  bool plain_cast = false;  // of retyped: every old value is one of the new type by itself
  std::string shadow;       // the second column's name
  std::optional<Formula> up;
  std::optional<Formula> down;
  std::optional<Formula> fill;                 // for NULL: of setNotNull
  std::optional<ColumnDefinition> definition;  // of an added one
  std::optional<Default> default_value;        // of an added one
  std::optional<Formula> generated;            // of an added one
  std::string sequence;                        // of an added identity column, until contract
  std::vector<std::size_t> operations;
  std::string path;          // of the last operation that touched it
  std::string content_path;  // of the one that rewrites its content

  [[nodiscard]] bool added() const { return start == nullptr; }
  [[nodiscard]] bool renamed() const { return !added() && !dropped && start->name != name; }
  // Has a second column beside it until contract.
  [[nodiscard]] bool shadowed() const { return !shadow.empty(); }
  // An added column that needs the router: a value of its own for rows that do not bring one.
  [[nodiscard]] bool computed() const { return added() && up.has_value(); }
  // An added column whose volatile default fills the rows that are there.
  [[nodiscard]] bool fills_by_default() const {
    return added() && !up && default_value && default_value->is_volatile;
  }
  // Names in the table while both versions run: where the old version finds it (not of an added
  // one), where the new one does, and which of them is left after contract.
  [[nodiscard]] std::string old_place() const;
  [[nodiscard]] std::string new_place() const;
  [[nodiscard]] std::string last_place() const;
};

// An index to be made under its own name. Names and expressions are those of the list's end.
struct IndexDraft {
  CreateIndex definition;
  std::vector<Formula> expressions;  // one per element; empty text for a plain column
  std::optional<Formula> where;
  std::size_t operation = 0;
  std::string path;
  std::string constraint;  // becomes this UNIQUE constraint
};

struct CheckDraft {
  std::string name;
  Formula expression;
  std::size_t operation = 0;
};

struct ReferenceDraft {
  std::string name;
  std::string column;
  ReferencesClause clause;
  const catalog::Table* parent = nullptr;
  std::size_t operation = 0;
};

struct TableDraft {
  const catalog::Table* start = nullptr;
  std::list<ColumnDraft> columns;  // a list: addresses stay
  std::vector<IndexDraft> indexes;
  std::vector<CheckDraft> checks;
  std::vector<ReferenceDraft> references;
  std::vector<std::size_t> operations;
  std::optional<SqlBackfill> marked_backfill;  // of a sql operation without `where`
  std::string function;                        // the router's name, empty: no router
  std::string trigger;

  [[nodiscard]] ColumnDraft* column(std::string_view name);  // by its name at this moment
  [[nodiscard]] Relation relation() const;
  [[nodiscard]] std::string display() const;
  // Places by name: old names to old places is the identity and has no map.
  [[nodiscard]] std::map<std::string, std::string> new_places() const;   // final name -> place
  [[nodiscard]] std::map<std::string, std::string> last_places() const;  // final name -> place
  [[nodiscard]] std::map<std::string, std::string> old_to_new_places() const;  // old name -> place
  [[nodiscard]] std::map<std::string, std::string> old_to_last_places() const;
  [[nodiscard]] std::set<std::string> old_names() const;
  [[nodiscard]] std::set<std::string> new_names() const;
  [[nodiscard]] bool routed() const { return !function.empty(); }
  // Rows that are there have to be visited once.
  [[nodiscard]] bool marked() const;
};

struct SqlDraft {
  const Sql* definition = nullptr;
  std::size_t operation = 0;
  std::string path;
};

class Draft {
 public:
  Draft(const catalog::Catalog& start, const Options& options);

  [[nodiscard]] const catalog::Catalog& start() const { return *start_; }
  [[nodiscard]] const Options& options() const { return *options_; }
  [[nodiscard]] bool allows(const std::string& word) const {
    return options_->allow.count(word) != 0;
  }
  Names& names() { return names_; }

  // The draft of a table that must be there and be one we can change.
  base::Result<TableDraft*> table(const std::string& name, const Position& at);
  // And of a column of it that is there at this moment.
  base::Result<ColumnDraft*> column(TableDraft& table, const std::string& name,
                                    const std::string& path);

  void notice(std::string rule, std::string step, std::string message);
  void hazard(std::string rule, std::string step, std::string message);
  void probe(Probe question) { probes.push_back(std::move(question)); }

  std::list<TableDraft> tables;  // by first use
  std::vector<SqlDraft> statements;
  std::vector<Finding> findings;
  std::vector<Probe> probes;

 private:
  const catalog::Catalog* start_;
  const Options* options_;
  Names names_;
};

// Marks the operation as one that rewrites the column's content; refuses a second one.
base::Result<void> claim_content(ColumnDraft& column, const Position& at);
void touch(TableDraft& table, ColumnDraft& column, const Position& at);

// The type that the user wrote, as the server knows it.
base::Result<const catalog::Type*> resolve_type(const catalog::Catalog& catalog,
                                                const std::string& text, const std::string& path);
// The texts under which resolve_type() looks.
base::Result<std::vector<std::string>> type_candidates(const sql::Identifier& schema,
                                                       const std::string& text,
                                                       const std::string& path);

// A name that the user wants for something new: an identifier that is none of ours.
base::Result<sql::Identifier> new_name(const std::string& text, const std::string& path);

}  // namespace lockkeeper::plan
