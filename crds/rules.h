// Rules that several fields share; the CRD repeats them and a test holds the two together.
#pragma once

#include "crds/shapes.h"

namespace lockkeeper::crds::rules {

// A name as PostgreSQL has them: 63 bytes.
inline constexpr Text pg_name = {.required = false, .min = 1, .max = 63, .bytes = true};
inline constexpr Text required_pg_name = {.required = true, .min = 1, .max = 63, .bytes = true};
// A table may come with its schema.
inline constexpr Text table = {.required = true, .min = 1, .max = 127, .bytes = true};
inline constexpr Text expression = {
    .required = false, .min = 1, .max = 10'240, .shape = &shapes::not_blank};
inline constexpr Text required_expression = {
    .required = true, .min = 1, .max = 10'240, .shape = &shapes::not_blank};
// The name of another object of the cluster.
inline constexpr Text object_name = {
    .required = true, .min = 1, .max = 253, .shape = &shapes::object_name};

}  // namespace lockkeeper::crds::rules
