// What a Migration needs from its database, as narrow as the phases use it: the engine behind it in
// production, a script in tests. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "dbcore/engine/engine.h"

namespace lockkeeper::reconcile {

class Rollout {
 public:
  virtual ~Rollout() = default;

  virtual base::Result<plan::Plan> plan(const base::Context& ctx, const execute::Identity& identity,
                                        const std::vector<plan::Operation>& operations,
                                        const std::set<std::string>& allow) = 0;
  virtual base::Result<std::optional<execute::Record>> find(const base::Context& ctx,
                                                            const execute::Identity& identity) = 0;
  // All records of this name ("namespace/name"), whatever their schema.
  virtual base::Result<std::vector<execute::Record>> named(const base::Context& ctx,
                                                           const std::string& name) = 0;
  // ok when nobody else claims the plan's tables; else precondition TableClaimed that names him.
  virtual base::Result<void> find_claim(const base::Context& ctx, const execute::Identity& identity,
                                        const plan::Plan& plan) = 0;
  virtual base::Result<execute::Record> start(const base::Context& ctx,
                                              const execute::Identity& identity,
                                              const plan::Plan& plan,
                                              const std::vector<plan::Operation>& operations,
                                              const std::string& approval_hash) = 0;
  virtual base::Result<execute::Record> adopt(const base::Context& ctx,
                                              const execute::Record& record) = 0;
  virtual base::Result<execute::Record> expand(const base::Context& ctx,
                                               const execute::Record& record,
                                               const engine::Tuning& tuning,
                                               execute::Progress& progress) = 0;
  virtual base::Result<execute::Record> contract(const base::Context& ctx,
                                                 const execute::Record& record,
                                                 const engine::Tuning& tuning,
                                                 execute::Progress& progress) = 0;
  virtual base::Result<execute::Record> roll_back(const base::Context& ctx,
                                                  const execute::Record& record,
                                                  const engine::Tuning& tuning,
                                                  execute::Progress& progress) = 0;
  virtual base::Result<std::optional<engine::Drift>> drift(const base::Context& ctx,
                                                           const execute::Record& record) = 0;
  virtual base::Result<std::vector<engine::SessionInfo>> sessions(
      const base::Context& ctx, const engine::SessionFilter& filter) = 0;
  virtual base::Result<bool> ask(const base::Context& ctx, const std::string& query) = 0;
  virtual base::Result<void> orphan(const base::Context& ctx,
                                    const execute::Identity& identity) = 0;
};

using RolloutFactory = std::function<std::shared_ptr<Rollout>(std::shared_ptr<sql::Pool>)>;
// The engine's.
std::shared_ptr<Rollout> engine_rollout(std::shared_ptr<sql::Pool> pool);

}  // namespace lockkeeper::reconcile
