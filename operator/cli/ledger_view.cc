#include "operator/cli/ledger_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "crds/duration.h"
#include "crds/json.h"
#include "dbcore/plan/codec.h"
#include "operator/cli/connect.h"

namespace lockkeeper::cli {
namespace {

using crds::Json;

std::string time_text(std::chrono::system_clock::time_point time) {
  return crds::format_time(std::chrono::floor<std::chrono::seconds>(time));
}

std::string_view status_text(execute::StepStatus status) {
  constexpr std::array<std::string_view, 5> names = {"pending", "running", "done", "failed",
                                                     "undone"};
  return names[static_cast<std::size_t>(status)];
}

std::string steps_text(const execute::Record& record) {
  const auto done = std::count_if(record.steps.begin(), record.steps.end(), [](const auto& step) {
    return step.status == execute::StepStatus::done;
  });
  return fmt::format("{}/{}", done, record.steps.size());
}

using Line = std::array<std::string, 6>;

std::string table(const std::vector<Line>& lines) {
  std::array<std::size_t, 6> widths{};
  for (const Line& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  std::string text;
  for (const Line& line : lines) {
    std::string row;
    for (std::size_t i = 0; i < line.size(); ++i) {
      row += fmt::format("{:<{}}", line[i], i + 1 < line.size() ? widths[i] + 3 : 0);
    }
    text += row + "\n";
  }
  return text;
}

}  // namespace

base::Result<std::vector<execute::Record>> read_ledger(const base::Context& ctx,
                                                       const DatabaseOptions& options) {
  TRY(const auto pool, open_pool(options));
  TRY(const auto session, pool->acquire(ctx));
  TRY(const bool there, has_ledger(ctx, *session));
  if (!there) return std::vector<execute::Record>();
  return execute::journal::list(ctx, *session);
}

std::string ledger_table(const std::vector<execute::Record>& records) {
  std::vector<Line> lines = {{"NAME", "SCHEMA", "STATE", "STEPS", "SINCE", "PLAN"}};
  for (const execute::Record& record : records) {
    lines.push_back({record.identity.name, record.identity.schema,
                     std::string(execute::to_string(record.state)), steps_text(record),
                     time_text(record.state_since), record.plan.hash.substr(0, 12)});
  }
  return table(lines);
}

std::string record_text(const execute::Record& record) {
  std::string text;
  for (const execute::StepRecord& step : record.steps) {
    text += fmt::format("  {:<8} {}", status_text(step.status), step.id);
    if (step.attempts > 1) text += fmt::format(" ({} attempts)", step.attempts);
    if (!step.last_error.empty()) text += ": " + step.last_error;
    text += "\n";
  }
  return text;
}

base::Result<Json> record_json(const execute::Record& record, bool with_plan) {
  Json steps = Json::array();
  for (const execute::StepRecord& step : record.steps) {
    Json entry = {{"id", step.id},
                  {"status", std::string(status_text(step.status))},
                  {"attempts", step.attempts}};
    if (!step.last_error.empty()) entry["lastError"] = step.last_error;
    if (step.started_at) entry["startedAt"] = time_text(*step.started_at);
    if (step.finished_at) entry["finishedAt"] = time_text(*step.finished_at);
    steps.push_back(std::move(entry));
  }
  Json json = {{"name", record.identity.name},
               {"schema", record.identity.schema},
               {"state", std::string(execute::to_string(record.state))},
               {"planHash", record.plan.hash},
               {"approvalHash", record.approval_hash},
               {"createdAt", time_text(record.created_at)},
               {"stateSince", time_text(record.state_since)},
               {"steps", std::move(steps)}};
  if (with_plan) {
    TRY(json["plan"], crds::parse_json(plan::to_json(record.plan)));
  }
  return json;
}

}  // namespace lockkeeper::cli
