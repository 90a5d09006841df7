// What libpq says went wrong, as our errors. Internal to dbcore/sql.
#pragma once

#include "dbcore/base/error.h"

struct pg_conn;
struct pg_result;

namespace lockkeeper::sql {

// Why a call on a session ended other than by the server's answer.
enum class Ending { answered, stopped, timed_out };

// A statement's error result.
base::Error statement_failure(const pg_result* result, Ending ending);

// The connection broke while a statement ran or was sent.
base::Error connection_lost(const pg_conn* connection);

// Connecting failed: reason AuthenticationFailed, DatabaseNotFound, TLSFailed, TooManyConnections,
// RoleForbidden or ServerUnavailable. The password, should libpq ever print it, is struck out.
base::Error connect_failure(const pg_conn* connection, std::string_view password);

}  // namespace lockkeeper::sql
