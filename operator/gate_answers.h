// Answers `/gates/v1/{namespace}/{migration}/{condition}` from the informer's store. Fails closed:
// what is unknown, not yet seen or older than the object's spec is a no.
#pragma once

#include "operator/server/endpoints.h"
#include "operator/work.h"

namespace lockkeeper::app {

server::GateAnswer answer_gate(const MigrationInformer& migrations, std::string_view ns,
                               std::string_view migration, std::string_view condition);

}  // namespace lockkeeper::app
