#include "crds/switch.h"

#include "crds/rules.h"

namespace lockkeeper::crds {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

constexpr Text label_value = {.required = true, .min = 1, .max = 63};
constexpr Text url = {.required = true, .min = 8, .max = 2'048, .shape = &shapes::url};

}  // namespace

void describe(Fields& f, ServiceReference& s) {
  f.text("name", s.name, rules::object_name);
}

void describe(Fields& f, BlueSpec& b) {
  f.text("deployment", b.deployment, rules::object_name);
  f.text("value", b.value, label_value);
  f.duration("scaleDownDelay", b.scale_down_delay, {.max = hours(24 * 30)});
}

void describe(Fields& f, GreenSpec& g) {
  f.text("deployment", g.deployment, rules::object_name);
  f.text("value", g.value, label_value);
}

void describe(Fields& f, BlueGreenSpec& b) {
  f.object("service", b.service, Presence::required);
  f.text("selectorKey", b.selector_key,
         {.required = true, .min = 1, .max = 317, .shape = &shapes::label_name});
  f.object("blue", b.blue, Presence::required);
  f.object("green", b.green, Presence::required);
  f.boolean("holdGreen", b.hold_green);
  f.check(b.blue.value != b.green.value, "green.value", "must differ from blue.value");
  f.check(b.blue.deployment != b.green.deployment, "green.deployment",
          "must differ from blue.deployment");
}

void describe(Fields& f, HttpCheck& h) {
  f.text("url", h.url, url);
  f.integer("expect", h.expect, {.min = 100, .max = 599});
  f.duration("timeout", h.timeout, {.min = milliseconds(100), .max = milliseconds(60'000)});
  f.object("caSecretRef", h.ca_secret_ref);
  f.object("headersSecretRef", h.headers_secret_ref);
}

void describe(Fields& f, SqlCheck& s) {
  f.text("query", s.query, rules::required_expression);
  f.boolean("replica", s.replica);
}

void describe(Fields& f, PrometheusCheck& p) {
  f.text("url", p.url, url);
  f.text("query", p.query, rules::required_expression);
  f.number("min", p.min);
  f.number("max", p.max);
  f.check(p.min || p.max, "", "needs min or max");
}

void describe(Fields& f, CheckSpec& c) {
  f.object("http", c.http);
  f.object("sql", c.sql);
  f.object("prometheus", c.prometheus);
  f.duration("interval", c.interval, {.min = milliseconds(1'000), .max = hours(1)});
  f.integer("failures", c.failures, {.min = 1, .max = 100});
  const int kinds =
      int{c.http.has_value()} + int{c.sql.has_value()} + int{c.prometheus.has_value()};
  f.check(kinds == 1, "", "needs exactly one of http, sql and prometheus");
}

void describe(Fields& f, SwitchSpec& s) {
  f.object("blueGreen", s.blue_green, Presence::required);
  f.list("checks", s.checks, {.max = 16});
  f.duration("bake", s.bake, {.max = hours(24 * 30)});
}

}  // namespace lockkeeper::crds
