#include "reconciler/plan_document.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "dbcore/catalog/fingerprint.h"
#include "dbcore/plan/codec.h"
#include "reconciler/text.h"

namespace lockkeeper::reconcile {
namespace {

// etcd takes 1.5 MB an object, a ConfigMap 1 MiB.
constexpr std::size_t most_bytes = 512 * 1024;
constexpr std::size_t most_hazards = 20;
constexpr std::size_t longest_hazard = 4'000;
constexpr std::size_t longest_name = 253;

struct Piece {
  std::string key;
  std::string text;
};

std::size_t character_start(const std::string& text, std::size_t at) {
  while (at > 0 && at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) {
    --at;
  }
  return at;
}

std::vector<Piece> slice(const std::string& key, const std::string& text) {
  std::vector<Piece> pieces;
  for (std::size_t at = 0; at < text.size() || pieces.empty();) {
    const std::size_t end = character_start(text, std::min(text.size(), at + most_bytes));
    pieces.push_back({key, text.substr(at, end - at)});
    at = end;
    if (at >= text.size()) break;
  }
  return pieces;
}

// Pieces in order, as many into one ConfigMap as fit and have keys of their own.
std::vector<Json> pack(const std::vector<Piece>& pieces) {
  std::vector<Json> packs{Json::object()};
  std::size_t size = 0;
  for (const Piece& piece : pieces) {
    if (packs.back().contains(piece.key) || size + piece.text.size() > most_bytes) {
      packs.push_back(Json::object());
      size = 0;
    }
    packs.back()[piece.key] = piece.text;
    size += piece.text.size();
  }
  return packs;
}

Json config_map(const crds::ObjectMeta& owner, const std::string& name, Json data) {
  const auto& names = name_of(Kind::migration);
  return {{"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata",
           {{"name", name},
            {"namespace", owner.ns},
            {"labels", {{"app.kubernetes.io/managed-by", "lockkeeper"}}},
            {"ownerReferences",
             {{{"apiVersion", fmt::format("{}/{}", names.group, names.version)},
               {"kind", std::string(names.kind)},
               {"name", owner.name},
               {"uid", owner.uid},
               {"controller", true}}}}}},
          {"data", std::move(data)}};
}

}  // namespace

std::string plan_document_name(const std::string& migration) {
  constexpr std::string_view suffix = "-plan";
  constexpr std::size_t shard_suffix = 4;
  if (migration.size() + suffix.size() + shard_suffix <= longest_name) {
    return migration + std::string(suffix);
  }
  constexpr std::size_t digits = 8;
  const std::string mark = "-" + catalog::fingerprint({migration}).substr(0, digits);
  return migration.substr(0, longest_name - suffix.size() - shard_suffix - mark.size()) + mark +
         std::string(suffix);
}

std::vector<Write> plan_documents(const crds::ObjectMeta& meta, const plan::Plan& plan) {
  std::vector<Piece> pieces{{"hash", plan.hash}};
  for (auto& piece : slice("plan.txt", plan::to_text(plan))) pieces.push_back(std::move(piece));
  for (auto& piece : slice("plan.json", plan::to_json(plan))) pieces.push_back(std::move(piece));
  const std::string name = plan_document_name(meta.name);
  std::vector<Write> writes;
  for (Json& data : pack(pieces)) {
    const std::string part = writes.empty() ? name : fmt::format("{}-{}", name, writes.size());
    auto body = std::make_shared<const Json>(config_map(meta, part, std::move(data)));
    writes.push_back({Verb::apply,
                      Kind::config_map,
                      {meta.ns, part},
                      std::move(body),
                      fmt::format("plan {}", plan.hash.substr(0, 8))});
  }
  return writes;
}

crds::PlanStatus plan_status(const std::string& migration, const plan::Plan& plan) {
  crds::PlanStatus status;
  status.hash = plan.hash;
  status.fingerprint = plan.fingerprint;
  status.config_map = plan_document_name(migration);
  for (const plan::Finding& finding : plan.findings) {
    if (finding.severity != plan::Severity::hazard) continue;
    if (status.hazards.size() == most_hazards) break;
    status.hazards.push_back({finding.rule, finding.step, cut(finding.message, longest_hazard)});
  }
  return status;
}

}  // namespace lockkeeper::reconcile
