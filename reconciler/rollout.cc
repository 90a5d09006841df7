#include "reconciler/rollout.h"

#include <vector>

namespace lockkeeper::reconcile {
namespace {

class EngineRollout final : public Rollout {
 public:
  explicit EngineRollout(std::shared_ptr<sql::Pool> pool) : pool_(pool), engine_(std::move(pool)) {}

  base::Result<plan::Plan> plan(const base::Context& ctx, const execute::Identity& identity,
                                const std::vector<plan::Operation>& operations,
                                const std::set<std::string>& allow) override {
    return engine_.plan(ctx, identity, operations, allow);
  }
  base::Result<std::optional<execute::Record>> find(const base::Context& ctx,
                                                    const execute::Identity& identity) override {
    return engine_.find(ctx, identity);
  }
  base::Result<std::vector<execute::Record>> named(const base::Context& ctx,
                                                   const std::string& name) override {
    TRY(auto session, pool_->acquire(ctx));
    TRY(auto records, execute::journal::list(ctx, *session));
    std::erase_if(records, [&](const auto& record) { return record.identity.name != name; });
    return records;
  }
  base::Result<void> find_claim(const base::Context& ctx, const execute::Identity& identity,
                                const plan::Plan& plan) override {
    TRY(auto session, pool_->acquire(ctx));
    return execute::journal::find_claim(ctx, *session, identity, plan);
  }
  base::Result<execute::Record> start(const base::Context& ctx, const execute::Identity& identity,
                                      const plan::Plan& plan,
                                      const std::vector<plan::Operation>& operations,
                                      const std::string& approval_hash) override {
    return engine_.start(ctx, identity, plan, operations, approval_hash);
  }
  base::Result<execute::Record> adopt(const base::Context& ctx,
                                      const execute::Record& record) override {
    return engine_.adopt(ctx, record);
  }
  base::Result<execute::Record> expand(const base::Context& ctx, const execute::Record& record,
                                       const engine::Tuning& tuning,
                                       execute::Progress& progress) override {
    return engine_.expand(ctx, record, tuning, progress);
  }
  base::Result<execute::Record> contract(const base::Context& ctx, const execute::Record& record,
                                         const engine::Tuning& tuning,
                                         execute::Progress& progress) override {
    return engine_.contract(ctx, record, tuning, progress);
  }
  base::Result<execute::Record> roll_back(const base::Context& ctx, const execute::Record& record,
                                          const engine::Tuning& tuning,
                                          execute::Progress& progress) override {
    return engine_.roll_back(ctx, record, tuning, progress);
  }
  base::Result<std::optional<engine::Drift>> drift(const base::Context& ctx,
                                                   const execute::Record& record) override {
    return engine_.drift(ctx, record);
  }
  base::Result<std::vector<engine::SessionInfo>> sessions(
      const base::Context& ctx, const engine::SessionFilter& filter) override {
    return engine_.sessions(ctx, filter);
  }
  base::Result<bool> ask(const base::Context& ctx, const std::string& query) override {
    return engine_.ask(ctx, query);
  }
  base::Result<void> orphan(const base::Context& ctx, const execute::Identity& identity) override {
    return engine_.orphan(ctx, identity);
  }

 private:
  std::shared_ptr<sql::Pool> pool_;
  engine::Engine engine_;
};

}  // namespace

std::shared_ptr<Rollout> engine_rollout(std::shared_ptr<sql::Pool> pool) {
  return std::make_shared<EngineRollout>(std::move(pool));
}

}  // namespace lockkeeper::reconcile
