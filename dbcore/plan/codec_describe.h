// Which fields a plan's types have: one description each, read by the writer and by the reader, so
// that they cannot disagree. Included by codec.cc only.
#pragma once

#include "dbcore/plan/plan.h"

namespace lockkeeper::plan::codec {

template <typename V>
void describe(V& v, Finding& x) {
  v("severity", x.severity);
  v("rule", x.rule);
  v("step", x.step);
  v("message", x.message);
}

template <typename V>
void describe(V& v, Relation& x) {
  v("oid", x.oid);
  v("schema", x.schema);
  v("name", x.name);
  v("view", x.view);
}

template <typename V>
void describe(V& v, Action& x) {
  v("kind", x.kind);
  v("statements", x.statements);
  v("locks", x.locks);
  v("lock", x.lock);
  v("indexSchema", x.index_schema);
  v("indexName", x.index_name);
}

template <typename V>
void describe(V& v, Backfill& x) {
  v("table", x.table);
  v("leaves", x.leaves);
  v("key", x.key);
  v("pending", x.pending);
  v("assignments", x.assignments);
  v("routed", x.routed);
  v("rowEstimate", x.row_estimate);
}

template <typename V>
void describe(V& v, Verify& x) {
  v("table", x.table);
  v("leaves", x.leaves);
  v("key", x.key);
  v("mismatch", x.mismatch);
  v("pending", x.pending);
}

template <typename V>
void describe(V& v, Step& x) {
  v("id", x.id);
  v("stage", x.stage);
  v("summary", x.summary);
  v("operations", x.operations);
  v("duration", x.duration);
  v("action", x.action);
  v("backfill", x.backfill);
  v("verify", x.verify);
  v("precheck", x.precheck);
  v("postcheck", x.postcheck);
  v("diagnosis", x.diagnosis);
  v("undo", x.undo);
  v("irreversible", x.irreversible);
  v("breaksOldVersion", x.breaks_old_version);
  v("statementTimeoutMs", x.statement_timeout_ms);
}

template <typename V>
void describe(V& v, Probe& x) {
  v("path", x.path);
  v("sql", x.sql);
  v("complaint", x.complaint);
  v("hint", x.hint);
}

template <typename V>
void describe(V& v, Plan& x) {
  v("format", x.format);
  v("schema", x.schema);
  v("steps", x.steps);
  v("findings", x.findings);
  v("tables", x.tables);
  v("facts", x.facts);
  v("fingerprint", x.fingerprint);
  v("hash", x.hash);
  v("probes", x.probes);
}

}  // namespace lockkeeper::plan::codec
