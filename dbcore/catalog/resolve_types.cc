#include "dbcore/catalog/resolve_types.h"

#include <fmt/format.h>

#include <array>

#include "dbcore/catalog/queries.h"

namespace lockkeeper::catalog {
namespace {

using base::Context;
using base::Result;
using sql::Session;
using sql::Statement;

// Types that exist: oid and modifier of each text.
struct Known {
  std::vector<std::string> texts;
  std::vector<std::string> oids;
  std::vector<std::string> modifiers;

  void add(Known other) {
    const auto move_all = [](std::vector<std::string>& to, std::vector<std::string>& from) {
      to.insert(to.end(), std::make_move_iterator(from.begin()),
                std::make_move_iterator(from.end()));
    };
    move_all(texts, other.texts);
    move_all(oids, other.oids);
    move_all(modifiers, other.modifiers);
  }
};

class Resolver {
 public:
  Resolver(const Context& ctx, Session& session, const sql::Identifier& schema)
      : ctx_(&ctx), session_(&session), schema_(&schema) {}

  // All at once when all are sound, which is two round trips; else one after the other.
  Result<Known> look_up(const std::vector<std::string>& texts, Catalog& into) {
    auto all = attempt(texts);
    if (all.ok() || is_ours(all.error())) return all;
    Known known;
    for (const auto& text : texts) {
      auto one = attempt({text});
      if (one.ok()) {
        known.add(std::move(one).value());
      } else if (is_ours(one.error())) {
        return std::move(one).error();
      } else {
        into.type_problems[text] = one.error().message;
      }
    }
    return known;
  }

  Result<void> describe(const Known& known, Catalog& into) {
    Statement types(queries::types());
    types.bind(std::span<const std::string>(known.oids));
    types.bind(std::span<const std::string>(known.modifiers));
    const std::array statements{Statement(queries::settings()), types};
    TRY(const auto rows, session_->pipeline(*ctx_, statements));
    for (int i = 0; i < rows[1].size(); ++i) {
      const auto n = static_cast<std::size_t>(i);
      Type type = read(rows[1][i]);
      type.oid = static_cast<Oid>(std::stoul(known.oids[n]));
      type.modifier = std::stoi(known.modifiers[n]);
      into.types.insert_or_assign(known.texts[n], std::move(type));
    }
    return {};
  }

 private:
  // Not the type's fault: stopped, no time left, connection lost.
  [[nodiscard]] bool is_ours(const base::Error& error) const {
    return session_->broken() || error.code == base::ErrorCode::cancelled ||
           error.code == base::ErrorCode::unavailable;
  }

  Result<Known> attempt(const std::vector<std::string>& texts) {
    auto known = try_now(texts);
    if (!known.ok() && !session_->broken()) {
      TRY_OK(session_->execute(*ctx_, "ROLLBACK TO SAVEPOINT lockkeeper_types"));
    }
    return known;
  }

  Result<Known> try_now(const std::vector<std::string>& texts) {
    Statement known(queries::known_types());
    known.bind(std::span<const std::string>(texts));
    const std::array statements{Statement("SAVEPOINT lockkeeper_types"),
                                Statement(queries::type_search_path(*schema_)), known};
    TRY(const auto rows, session_->pipeline(*ctx_, statements));
    Known result;
    for (const sql::Row row : rows[2]) {
      result.texts.push_back(row.text(0));
      result.oids.push_back(row.text(1));
    }
    if (result.texts.empty()) return result;
    TRY(const auto none, session_->execute(*ctx_, queries::type_modifiers(result.texts)));
    for (int i = 0; i < none.columns(); ++i) {
      result.modifiers.push_back(std::to_string(none.type_modifier(i)));
    }
    return result;
  }

  static Type read(const sql::Row& row) {
    Type type;
    type.name = row.text(0);
    type.category = row.view(1).front();
    type.kind = row.view(2).front();
    type.constrained_domain = row.boolean(3);
    type.collatable = row.boolean(4);
    type.element = row.text(5);
    type.has_equality = row.boolean(6);
    return type;
  }

  const Context* ctx_;
  Session* session_;
  const sql::Identifier* schema_;
};

}  // namespace

base::Result<void> resolve_types(const base::Context& ctx, sql::Session& session,
                                 const sql::Identifier& schema,
                                 const std::vector<std::string>& checked_texts, Catalog& into) {
  Resolver resolver(ctx, session, schema);
  TRY(const Known known, resolver.look_up(checked_texts, into));
  TRY_OK(resolver.describe(known, into));
  for (const auto& text : checked_texts) {
    if (into.types.contains(text) || into.type_problems.contains(text)) continue;
    into.type_problems[text] = fmt::format(
        "type {} exists neither in pg_catalog nor in schema \"{}\"", text, schema.raw());
  }
  return {};
}

}  // namespace lockkeeper::catalog
