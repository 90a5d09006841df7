// The part of a Migration that moves traffic: Service, Deployments and the checks of the bake.
// Plain values.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "crds/database.h"
#include "crds/fields.h"

namespace lockkeeper::crds {

struct ServiceReference {
  std::string name;
  bool operator==(const ServiceReference&) const = default;
};

struct BlueSpec {
  std::string deployment;
  std::string value;                                   // of the selector key
  std::chrono::milliseconds scale_down_delay{30'000};  // from the end of the bake
  bool operator==(const BlueSpec&) const = default;
};

struct GreenSpec {
  std::string deployment;
  std::string value;
  bool operator==(const GreenSpec&) const = default;
};

struct BlueGreenSpec {
  ServiceReference service;
  std::string selector_key;
  BlueSpec blue;
  GreenSpec green;
  bool hold_green = false;  // green is kept at 0 replicas until Expanded, if it has no traffic
  bool operator==(const BlueGreenSpec&) const = default;
};

struct HttpCheck {
  std::string url;
  int expect = 200;
  std::chrono::milliseconds timeout{5'000};
  std::optional<SecretKeyReference> ca_secret_ref;
  std::optional<SecretReference> headers_secret_ref;  // each key is a header
  bool operator==(const HttpCheck&) const = default;
};

struct SqlCheck {
  std::string query;     // gives one boolean
  bool replica = false;  // asked on the Database's first replica
  bool operator==(const SqlCheck&) const = default;
};

struct PrometheusCheck {
  std::string url;
  std::string query;
  std::optional<double> min;  // at least one of min and max is given
  std::optional<double> max;
  bool operator==(const PrometheusCheck&) const = default;
};

// Exactly one of http, sql and prometheus is given.
struct CheckSpec {
  std::optional<HttpCheck> http;
  std::optional<SqlCheck> sql;
  std::optional<PrometheusCheck> prometheus;
  std::chrono::milliseconds interval{10'000};
  int failures = 3;  // in a row
  bool operator==(const CheckSpec&) const = default;
};

struct SwitchSpec {
  BlueGreenSpec blue_green;
  std::vector<CheckSpec> checks;
  std::chrono::milliseconds bake{600'000};
  bool operator==(const SwitchSpec&) const = default;
};

void describe(Fields& f, SwitchSpec& spec);

}  // namespace lockkeeper::crds
