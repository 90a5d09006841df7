#include "dbcore/base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>

namespace lockkeeper::base {
namespace {

std::atomic<LogFormat> format_in_use{LogFormat::text};

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return spdlog::level::debug;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::warn: return spdlog::level::warn;
    case LogLevel::error: return spdlog::level::err;
    case LogLevel::off: return spdlog::level::off;
  }
  return spdlog::level::info;
}

spdlog::logger& sink() {
  static const auto logger = [] {
    auto made = std::make_shared<spdlog::logger>("lockkeeper",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %-5l %v");
    made->flush_on(spdlog::level::debug);
    return made;
  }();
  return *logger;
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20) {
      out += fmt::format("\\u{:04x}", byte);
    } else {
      out += c;
    }
  }
  out += '"';
}

void append_field(std::string& out, const Field& field, LogFormat format) {
  if (format == LogFormat::json) {
    out += ',';
    append_quoted(out, field.key);
    out += ':';
    if (field.quoted)
      append_quoted(out, field.value);
    else
      out += field.value;
    return;
  }
  out += ' ';
  out += field.key;
  out += '=';
  const bool plain =
      !field.value.empty() && field.value.find_first_of(" \"\n=") == std::string::npos;
  if (plain)
    out += field.value;
  else
    append_quoted(out, field.value);
}

}  // namespace

void configure_log(LogLevel level, LogFormat format) {
  format_in_use = format;
  sink().set_level(to_spdlog(level));
  if (format == LogFormat::json) {
    sink().set_pattern(R"({"ts":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l",%v})");
  }
}

void Logger::write(LogLevel level, std::string_view message,
                   std::initializer_list<Field> fields) const {
  const auto spdlog_level = to_spdlog(level);
  if (!sink().should_log(spdlog_level)) return;
  const LogFormat format = format_in_use;
  std::string line;
  if (format == LogFormat::json) {
    line += "\"msg\":";
    append_quoted(line, message);
  } else {
    line += message;
  }
  if (fields_) {
    for (const auto& field : *fields_) append_field(line, field, format);
  }
  for (const auto& field : fields) append_field(line, field, format);
  sink().log(spdlog_level, spdlog::string_view_t(line));
}

void Logger::debug(std::string_view message, std::initializer_list<Field> fields) const {
  write(LogLevel::debug, message, fields);
}
void Logger::info(std::string_view message, std::initializer_list<Field> fields) const {
  write(LogLevel::info, message, fields);
}
void Logger::warn(std::string_view message, std::initializer_list<Field> fields) const {
  write(LogLevel::warn, message, fields);
}
void Logger::error(std::string_view message, std::initializer_list<Field> fields) const {
  write(LogLevel::error, message, fields);
}

Logger Logger::with(std::string_view key, std::string_view value) const {
  auto fields = fields_ ? std::make_shared<std::vector<Field>>(*fields_)
                        : std::make_shared<std::vector<Field>>();
  fields->emplace_back(key, value);
  Logger derived;
  derived.fields_ = std::move(fields);
  return derived;
}

}  // namespace lockkeeper::base
