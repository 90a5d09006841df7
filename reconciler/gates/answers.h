// Judges what a checked service answered. Pure, thread-safe. A message never repeats the body: it
// may hold what is not for a status.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "reconciler/world.h"

namespace lockkeeper::reconcile {

// Empty: it passes. Else what is wrong with it.
using Complaint = std::string;

Complaint judge_status(const HttpProbeAnswer& answer, int expected);

// The answer of /api/v1/query: every sample must lie within the bounds; no sample is a complaint.
Complaint judge_prometheus(const HttpProbeAnswer& answer, std::optional<double> min,
                           std::optional<double> max);
// <base>/api/v1/query?query=<encoded>
std::string prometheus_url(std::string_view base, std::string_view query);

// A literal address that no check may reach: link-local (the cloud's metadata service). Names are
// judged by who resolves them.
bool is_refused_host(std::string_view url);

}  // namespace lockkeeper::reconcile
