// One story from start to completed, to be told undisturbed, and then disturbed at each of its
// instants in turn: the end must be the same.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "dbcore/engine/engine.h"
#include "tests/execute/playground.h"

namespace lockkeeper::engine {

struct Story {
  std::string name;
  std::function<void(execute::Playground&)> prepare;                         // tables and rows
  std::function<base::Result<execute::Record>(execute::Playground&)> begin;  // into the ledger
  std::string table = "t";
};

// The instants to disturb: every third one, each of them in the long run.
inline std::size_t stride() {
  return std::getenv("LK_LONG") == nullptr ? 3 : 1;
}

struct Ending {
  std::string schema;
  std::string rows;
  std::string steps;
  bool operator==(const Ending&) const = default;
};

inline Ending ending(const execute::Playground& ground, const Story& story) {
  return {.schema = ground.pg.dump_schema(ground.db, {"--exclude-schema=lockkeeper"}),
          .rows = ground.pg.row_hash(ground.db, story.table),
          .steps = ground.ask("SELECT string_agg(step_id || ' ' || status, ', ' ORDER BY ordinal)"
                              " FROM lockkeeper.step")};
}

// Expand and contract; from where the ledger says that it stands.
inline base::Result<execute::Record> tell(Engine& engine, const execute::Record& record) {
  execute::Progress progress;
  Tuning tuning;
  tuning.backfill.pause = std::chrono::milliseconds(0);
  const base::Context ctx;
  if (record.state == execute::State::running) {
    TRY_OK(engine.expand(ctx, record, tuning, progress));
  }
  return engine.contract(ctx, record, tuning, progress);
}

inline base::Result<execute::Record> adopt_and_tell(Engine& engine, const execute::Record& record) {
  TRY(auto found, engine.find(base::Context(), record.identity));
  if (!found) return base::internal("no record");
  TRY(auto adopted, engine.adopt(base::Context(), *found));
  if (adopted.state == execute::State::completed) return adopted;
  return tell(engine, adopted);
}

struct Undisturbed {
  std::vector<std::string> instants;
  Ending end;
};

inline Undisturbed undisturbed(const Story& story, support::PrivatePostgres& server) {
  execute::Playground ground(server);
  story.prepare(ground);
  const auto record = story.begin(ground);
  if (!record) throw std::runtime_error(record.error().text());
  Undisturbed seen;
  Engine engine(ground.pool,
                [&](std::string_view instant) { seen.instants.emplace_back(instant); });
  const auto told = tell(engine, *record);
  if (!told) throw std::runtime_error(told.error().text());
  seen.end = ending(ground, story);
  return seen;
}

// The plan by hand of the playground: one transaction step, a concurrent build, a proof, contract.
inline Story plan_by_hand() {
  return {.name = "plan by hand",
          .prepare = [](execute::Playground& ground) { ground.make_table(200); },
          .begin =
              [](execute::Playground& ground) {
                return execute::begin(ground, execute::whole_plan(ground));
              }};
}

// The main job: two columns get new names and types, one is added, an index is built, all under the
// router, with backfill and verify.
inline std::vector<plan::Operation> main_operations() {
  plan::AddColumn add;
  add.table = "t";
  add.column.name = "plan";
  add.column.type = "text";
  add.column.nullable = false;
  add.up = "'free'";
  plan::ChangeType widen;
  widen.table = "t";
  widen.column = "ref";
  widen.type = "bigint";
  plan::CreateIndex index;
  index.table = "t";
  index.name = "t_plan";
  plan::IndexElement element;
  element.name = "plan";
  index.columns = {element};
  plan::RenameColumn rename;
  rename.table = "t";
  rename.from = "name";
  rename.to = "display_name";
  return {rename, add, widen, index};
}

inline base::Result<execute::Record> begin_planned(execute::Playground& ground,
                                                   const std::vector<plan::Operation>& operations) {
  Engine engine(ground.pool);
  const execute::Identity identity{"public", "shop/users"};
  const base::Context ctx;
  TRY_OK(engine.find(ctx, identity));
  TRY(const auto plan, engine.plan(ctx, identity, operations, {}));
  return engine.start(ctx, identity, plan, operations, plan.hash);
}

inline Story main_job() {
  return {.name = "main job",
          .prepare =
              [](execute::Playground& ground) {
                ground.run(
                    "CREATE TABLE t (id int PRIMARY KEY, name text NOT NULL, ref int NOT NULL,"
                    " other text); CREATE INDEX t_ref ON t (ref);"
                    " INSERT INTO t SELECT i, 'name ' || i, i * 2, 'x'"
                    " FROM generate_series(1, 3000) i");
              },
          .begin =
              [](execute::Playground& ground) { return begin_planned(ground, main_operations()); }};
}

}  // namespace lockkeeper::engine
