#include "dbcore/sql/conninfo.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>

namespace lockkeeper::sql {
namespace {

constexpr std::array<std::string_view, 16> from_anybody = {"host",
                                                           "hostaddr",
                                                           "port",
                                                           "user",
                                                           "password",
                                                           "dbname",
                                                           "sslmode",
                                                           "sslsni",
                                                           "ssl_min_protocol_version",
                                                           "gssencmode",
                                                           "channel_binding",
                                                           "ssl_max_protocol_version",
                                                           "connect_timeout",
                                                           "application_name",
                                                           "fallback_application_name",
                                                           "target_session_attrs"};
constexpr std::array<std::string_view, 4> from_a_person = {"sslrootcert", "sslcert", "sslkey",
                                                           "sslcrl"};

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using Options = std::unique_ptr<PQconninfoOption[], FreeOptions>;

bool allowed(std::string_view keyword, ConninfoSource source) {
  if (std::ranges::find(from_anybody, keyword) != from_anybody.end()) return true;
  return source == ConninfoSource::command_line &&
         std::ranges::find(from_a_person, keyword) != from_a_person.end();
}

// libpq's own message may quote what it tripped over, a password among it: it is dropped.
base::Result<Options> parse(const std::string& text) {
  char* message = nullptr;
  Options options(PQconninfoParse(text.c_str(), &message));
  PQfreemem(message);
  if (options == nullptr) {
    return base::invalid("the connection string does not parse")
        .with_reason("InvalidConnection")
        .with_hint(
            "write postgresql://user:password@host:port/dbname, special characters of the "
            "password percent-encoded");
  }
  return options;
}

}  // namespace

base::Result<Endpoint> parse_conninfo(std::string_view text, ConninfoSource source) {
  if (text.find('\0') != std::string_view::npos) {
    return base::invalid("the connection string holds a NUL").with_reason("InvalidConnection");
  }
  TRY(const auto options, parse(std::string(text)));
  Endpoint endpoint;
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val == nullptr || *option->val == '\0') continue;
    const std::string_view keyword = option->keyword;
    if (!allowed(keyword, source)) {
      return base::invalid(
                 fmt::format("the connection string holds {}, which is not taken", keyword))
          .with_reason("InvalidConnection")
          .with_hint("remove it");
    }
    if (keyword == "password") {
      endpoint.password = option->val;
    } else {
      endpoint.parameters[std::string(keyword)] = option->val;
    }
  }
  return endpoint;
}

}  // namespace lockkeeper::sql
