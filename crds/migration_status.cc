#include <array>

#include "crds/migration.h"
#include "crds/rules.h"

namespace lockkeeper::crds {
namespace {

constexpr std::array<std::string_view, 13> phases = {
    "Pending",       "Planned",     "AwaitingApproval", "Expanding",        "Backfilling",
    "ReadyToSwitch", "Switching",   "Baking",           "AwaitingContract", "Contracting",
    "Completed",     "RollingBack", "RolledBack"};
constexpr std::array<std::string_view, 3> untils = {"Expand", "Switch", "Contract"};
constexpr std::array<std::string_view, 2> colours = {"blue", "green"};
constexpr Text word = {.max = 255};
constexpr Text sentence = {.max = 32'768};

}  // namespace

std::string_view to_string(Phase phase) {
  return phases[static_cast<std::size_t>(phase)];
}

void describe(Fields& f, HazardStatus& h) {
  f.text("rule", h.rule, word);
  f.text("step", h.step, word);
  f.text("message", h.message, {.max = 4'096});
}

void describe(Fields& f, PlanStatus& p) {
  f.text("hash", p.hash, word);
  f.text("fingerprint", p.fingerprint, word);
  f.text("configMap", p.config_map, word);
  f.list("hazards", p.hazards, {.max = 20});
}

void describe(Fields& f, ApprovalStatus& a) {
  f.text("hash", a.hash, word);
  f.time("at", a.at);
}

void describe(Fields& f, StepsStatus& s) {
  f.integer("done", s.done);
  f.integer("total", s.total);
  f.text("progress", s.progress, word);
  f.text("current", s.current, word);
}

void describe(Fields& f, BackfillStatus& b) {
  f.integer("rowsDone", b.rows_done);
  f.integer("rowsTotal", b.rows_total);
  f.integer("percent", b.percent, {.max = 100});
  f.integer("rowsPerSecond", b.rows_per_second);
  f.time("estimatedEnd", b.estimated_end);
}

void describe(Fields& f, SwitchStatus& s) {
  f.choice("active", s.active, colours);
  f.time("switchedAt", s.switched_at);
  f.time("bakedAt", s.baked_at);
  f.time("scaledDownAt", s.scaled_down_at);
  f.integer("blueReplicas", s.blue_replicas);
  f.text("retried", s.retried, {.max = 1'024});
}

void describe(Fields& f, BlockerStatus& b) {
  f.integer("pid", b.pid);
  f.text("user", b.user, word);
  f.text("applicationName", b.application_name, word);
  f.text("queryAge", b.query_age, word);
}

void describe(Fields& f, MigrationStatus& s) {
  f.integer("observedGeneration", s.observed_generation, {.min = -1});
  f.choice("phase", s.phase, phases);
  f.text("message", s.message, sentence);
  f.object("plan", s.plan);
  f.object("approval", s.approval);
  f.choice("until", s.until, untils);
  f.object("steps", s.steps);
  f.text("progress", s.progress, word);
  f.object("backfill", s.backfill);
  f.object("switch", s.switch_status);
  f.time("contractAfter", s.contract_after);
  f.list("blockers", s.blockers, {.max = 5});
  f.time("startedAt", s.started_at);
  f.time("completedAt", s.completed_at);
  describe_conditions(f, s.conditions);
}

}  // namespace lockkeeper::crds
