// The shapes that strings of ours may have; each pattern stands in the CRD as it stands here.
#pragma once

#include "crds/fields.h"

namespace lockkeeper::crds::shapes {

extern const Shape object_name;  // a Kubernetes object's name
extern const Shape label_name;   // a label key, prefix allowed
extern const Shape secret_key;   // a key of a Secret or ConfigMap
extern const Shape plan_hash;    // 64 hex digits, or empty
extern const Shape word;         // a rule or a flag: L028, rollback
extern const Shape url;          // http or https
extern const Shape time_zone;    // Europe/Berlin
extern const Shape not_blank;    // at least one character that is no space
extern const Shape duration;     // 500ms, 72h30m

}  // namespace lockkeeper::crds::shapes
