#include "dbcore/plan/router.h"

#include <algorithm>
#include <string>

namespace lockkeeper::plan {
namespace {

using sql::format;
using sql::Fragment;
using sql::Identifier;

Fragment new_value(const std::string& column) {
  return format("NEW.{}", Identifier::trusted(column));
}

Fragment changed(const std::vector<std::string>& columns) {
  std::vector<Fragment> fresh;
  std::vector<Fragment> stale;
  for (const auto& column : columns) {
    fresh.push_back(new_value(column));
    stale.push_back(format("OLD.{}", Identifier::trusted(column)));
  }
  return format("pg_catalog.record_image_ne(ROW({}), ROW({}))", sql::join(fresh), sql::join(stale));
}

Fragment is_null(const std::string& column) {
  return format("{} IS NOT DISTINCT FROM NULL", new_value(column));
}

Fragment given(const std::string& column) {
  return format("{} IS DISTINCT FROM NULL", new_value(column));
}

Fragment unfilled() {
  return format("OLD.{} IS NULL", Identifier::trusted(marker));
}

// Whether this session is that pass of ours.
Fragment pass(std::string_view word) {
  return format("pg_catalog.current_setting('lockkeeper.backfill', true) OPERATOR(pg_catalog.=) {}",
                sql::Literal{std::string(word)});
}

// Where the new version's value of a column stands.
std::string up_target(const ColumnDraft& column) {
  return column.shadowed() ? column.shadow : column.name;
}

// A copy cannot fail, and a constant was tried when it was planned.
bool can_fail(const Formula& up) {
  return !up.constant && !up.plain;
}

bool bare(const std::optional<Formula>& formula) {
  return !formula || formula->bare;
}

// Our own text qualifies its operators and functions; then only the user's formulas can mean
// something else under another search_path.
bool bare(const Routing& routing) {
  const auto column = [](const ColumnDraft* of) {
    return bare(of->up) && bare(of->down) && bare(of->fill);
  };
  const auto columns = [&](const std::vector<const ColumnDraft*>& list) {
    return std::ranges::all_of(list, column);
  };
  return std::ranges::all_of(
             routing.groups,
             [&](const TwoWay& group) { return columns(group.olds) && columns(group.news); }) &&
         columns(routing.fills) && columns(routing.derived) && columns(routing.optional) &&
         routing.defaulted.empty();
}

class Writer {
 public:
  Writer(const TableDraft& table, const Routing& routing) : table_(&table), routing_(&routing) {}

  base::Result<Fragment> function() {
    TRY_OK(body());
    std::string tag = "$router$";
    while (text_.find(tag) != std::string::npos) tag.insert(tag.size() - 1, "_");
    return format(
        "CREATE FUNCTION {}.{}() RETURNS trigger LANGUAGE plpgsql{} AS {}\n{}{}",
        Identifier::trusted(function_schema), Identifier::trusted(table_->function),
        // Set and restored at every call, it costs a quarter of a backfill.
        Fragment::trusted(bare(*routing_) ? "" : " SET search_path = pg_catalog, pg_temp"),
        Fragment::trusted(tag), Fragment::trusted(text_), Fragment::trusted(tag));
  }

 private:
  void line(const Fragment& text) { text_ += std::string(2 * depth_, ' ') + text.text() + "\n"; }
  void say(std::string_view text) { line(Fragment::trusted(text)); }

  void open(const Fragment& condition) {
    line(format("IF {} THEN", condition));
    ++depth_;
  }
  void otherwise(const Fragment& condition) {
    --depth_;
    line(format("ELSIF {} THEN", condition));
    ++depth_;
  }
  void otherwise() {
    --depth_;
    say("ELSE");
    ++depth_;
  }
  void close() {
    --depth_;
    say("END IF;");
  }

  base::Result<void> body() {
    const bool guarded = table_->marked() && any_can_fail();
    if (guarded) say("DECLARE\n  filled boolean := true;");
    say("BEGIN");
    ++depth_;
    open(Fragment::trusted("TG_OP OPERATOR(pg_catalog.=) 'INSERT'"));
    TRY_OK(on_insert());
    otherwise();
    TRY_OK(on_update());
    close();
    if (table_->marked()) {
      line(format("NEW.{} := {};", Identifier::trusted(marker),
                  Fragment::trusted(guarded ? "CASE WHEN filled THEN 0 END" : "0")));
    }
    say("RETURN NEW;");
    --depth_;
    say("END");
    return base::ok();
  }

  [[nodiscard]] bool any_can_fail() const {
    return std::any_of(table_->columns.begin(), table_->columns.end(), [](const ColumnDraft& c) {
      return !c.dropped && ((c.up && can_fail(*c.up)) || (c.fill && can_fail(*c.fill)));
    });
  }

  base::Result<void> on_insert() {
    if (table_->marked()) {
      // A row that moved between partitions was routed where it came from.
      open(format("NEW.{} OPERATOR(pg_catalog.=) 0", Identifier::trusted(marker)));
      say("RETURN NEW;");
      close();
    }
    for (const auto& group : routing_->groups) TRY_OK(insert_group(group));
    TRY_OK(fill_nulls());
    for (const auto* column : routing_->derived) TRY_OK(insert_derived(*column));
    for (const auto* column : routing_->optional) {
      open(is_null(column->start->name));
      TRY_OK(set_down(*column));
      close();
    }
    return base::ok();
  }

  base::Result<void> insert_group(const TwoWay& group) {
    std::vector<Fragment> conditions;
    for (const auto* column : group.news) conditions.push_back(given(up_target(*column)));
    open(sql::join(conditions, " OR "));
    for (const auto* column : group.olds) TRY_OK(set_down(*column));
    TRY_OK(complete_added(group));
    otherwise();
    for (const auto* column : group.news) TRY_OK(set_up(*column, true));
    close();
    return base::ok();
  }

  // The new version left out a column that may not be NULL.
  base::Result<void> complete_added(const TwoWay& group) {
    for (const auto* column : group.news) {
      if (!column->added() || !column->not_null) continue;
      open(is_null(column->name));
      TRY_OK(set_up(*column, true));
      close();
    }
    return base::ok();
  }

  base::Result<void> insert_derived(const ColumnDraft& column) {
    if (column.shadowed()) return set_up(column, true);
    open(is_null(column.name));
    TRY_OK(set_up(column, true));
    close();
    return base::ok();
  }

  base::Result<void> on_update() {
    if (!table_->marked()) {
      say("NULL;");
      return base::ok();
    }
    // A repair is meant for rows that are marked as filled, but wrongly.
    open(format("{} AND {} OR {}", unfilled(), pass("on"), pass("repair")));
    TRY_OK(backfilled());
    otherwise();
    for (const auto& group : routing_->groups) TRY_OK(update_group(group));
    TRY_OK(fill_nulls());
    for (const auto* column : routing_->derived) TRY_OK(update_derived(*column));
    if (routing_->groups.empty() && routing_->derived.empty() && routing_->fills.empty()) {
      say("NULL;");
    }
    close();
    for (const auto* column : routing_->defaulted) {
      open(format("{} AND {}", unfilled(), is_null(column->name)));
      line(format("{} := {};", new_value(column->name), default_text(*column)));
      close();
    }
    return base::ok();
  }

  // A value that cannot be computed is an error here: the backfill names the row.
  base::Result<void> backfilled() {
    for (const auto* column : routing_->fills) TRY_OK(fill_null(*column, false));
    for (const auto& group : routing_->groups) {
      for (const auto* column : group.news) TRY_OK(backfill_one(*column));
    }
    for (const auto* column : routing_->derived) TRY_OK(backfill_one(*column));
    if (routing_->groups.empty() && routing_->derived.empty() && routing_->fills.empty()) {
      say("NULL;");
    }
    return base::ok();
  }

  base::Result<void> backfill_one(const ColumnDraft& column) {
    if (column.shadowed()) return set_up(column, false);
    open(is_null(column.name));
    TRY_OK(set_up(column, false));
    close();
    return base::ok();
  }

  base::Result<void> update_group(const TwoWay& group) {
    std::vector<std::string> olds;
    std::vector<std::string> news;
    for (const auto* column : group.olds) olds.push_back(column->start->name);
    for (const auto* column : group.news) news.push_back(up_target(*column));
    open(changed(olds));
    for (const auto* column : group.news) TRY_OK(set_up(*column, true));
    otherwise(changed(news));
    for (const auto* column : group.olds) TRY_OK(set_down(*column));
    const auto sources = plain_sources(group);
    otherwise(sources.empty() ? unfilled() : format("{} OR {}", unfilled(), changed(sources)));
    for (const auto* column : group.news) TRY_OK(set_up(*column, true));
    close();
    return base::ok();
  }

  // Columns that the ups read and that belong to no side.
  static std::vector<std::string> plain_sources(const TwoWay& group) {
    std::set<std::string> out;
    for (const auto* column : group.news) {
      out.insert(column->up->columns.begin(), column->up->columns.end());
    }
    for (const auto* column : group.olds) out.erase(column->start->name);
    return {out.begin(), out.end()};
  }

  base::Result<void> update_derived(const ColumnDraft& column) {
    const std::vector<std::string> sources(column.up->columns.begin(), column.up->columns.end());
    auto condition = unfilled();
    if (!column.shadowed()) condition = format("{} AND {}", condition, is_null(column.name));
    if (!sources.empty()) condition = format("{} OR {}", changed(sources), condition);
    if (!column.shadowed()) {
      // A statement that sets the new column wins.
      condition = format("NOT {} AND ({})", changed({column.name}), condition);
    }
    open(condition);
    TRY_OK(set_up(column, true));
    close();
    return base::ok();
  }

  base::Result<void> fill_nulls() {
    for (const auto* column : routing_->fills) TRY_OK(fill_null(*column, true));
    return base::ok();
  }

  base::Result<void> fill_null(const ColumnDraft& column, bool guard) {
    open(is_null(column.start->name));
    TRY_OK(assign(column.start->name, *column.fill, guard));
    if (column.not_null && can_fail(*column.fill)) refuse_null(column, column.start->name, guard);
    // Both names of a renamed column.
    if (column.shadowed()) {
      line(format("{} := {};", new_value(column.shadow), new_value(column.start->name)));
    }
    close();
    return base::ok();
  }

  base::Result<void> set_up(const ColumnDraft& column, bool guard) {
    TRY_OK(assign(up_target(column), *column.up, guard));
    if (column.not_null && can_fail(*column.up)) refuse_null(column, up_target(column), guard);
    return base::ok();
  }

  // As a value that cannot be computed: the row is named before a constraint could refuse clients.
  void refuse_null(const ColumnDraft& column, const std::string& target, bool guard) {
    open(is_null(target));
    if (guard) {
      say("filled := false;");
    } else {
      line(format("RAISE EXCEPTION USING ERRCODE = '23502', MESSAGE = {};",
                  sql::Literal{"`up` gives NULL for column \"" + column.name +
                               "\", which may not hold it"}));
    }
    close();
  }

  base::Result<void> set_down(const ColumnDraft& column) {
    TRY(const auto value, renamed(*column.down, table_->new_places(), "NEW"));
    line(format("{} := {};", new_value(column.start->name), value));
    return base::ok();
  }

  // With a guard a row whose value cannot be computed is left for the backfill to name: the
  // application's own write goes through.
  base::Result<void> assign(const std::string& target, const Formula& formula, bool guard) {
    TRY(const auto value, renamed(formula, {}, "NEW"));
    const auto assignment = format("{} := {};", new_value(target), value);
    if (!guard || !can_fail(formula)) {
      line(assignment);
      return base::ok();
    }
    say("BEGIN");
    ++depth_;
    line(assignment);
    --depth_;
    say("EXCEPTION WHEN OTHERS THEN");
    ++depth_;
    line(format("{} := NULL;", new_value(target)));
    say("filled := false;");
    --depth_;
    say("END;");
    return base::ok();
  }

  const TableDraft* table_;
  const Routing* routing_;
  std::string text_;
  std::size_t depth_ = 0;
};

}  // namespace

base::Result<Fragment> router_function(const TableDraft& table, const Routing& routing) {
  return Writer(table, routing).function();
}

}  // namespace lockkeeper::plan
