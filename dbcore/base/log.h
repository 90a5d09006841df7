// Structured logging: a constant message plus key/values.
//
//   ctx.log().info("step done", {{"step", step.id}, {"ms", elapsed}});
//
// A Logger is a cheap value that carries its own key/values; thread-safe. Output goes to stderr, as
// one JSON object a line (the operator) or as text (a terminal). Nothing secret is ever passed in.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace lockkeeper::base {

enum class LogLevel { debug, info, warn, error, off };
enum class LogFormat { text, json };

// One key with its value rendered; numbers and booleans stay bare in JSON.
struct Field {
  std::string key;
  std::string value;
  bool quoted = true;

  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const char* v) : key(k), value(v) {}
  Field(std::string_view k, const std::string& v) : key(k), value(v) {}
  Field(std::string_view k, bool v) : key(k), value(v ? "true" : "false"), quoted(false) {}
  template <typename T>
  requires std::is_arithmetic_v<T> Field(std::string_view k, T v)
      : key(k), value(std::to_string(v)), quoted(false) {}
};

class Logger {
 public:
  Logger() = default;

  void debug(std::string_view message, std::initializer_list<Field> fields = {}) const;
  void info(std::string_view message, std::initializer_list<Field> fields = {}) const;
  void warn(std::string_view message, std::initializer_list<Field> fields = {}) const;
  void error(std::string_view message, std::initializer_list<Field> fields = {}) const;

  // A logger whose lines carry this key and value too.
  [[nodiscard]] Logger with(std::string_view key, std::string_view value) const;

 private:
  void write(LogLevel level, std::string_view message, std::initializer_list<Field> fields) const;
  std::shared_ptr<const std::vector<Field>> fields_;
};

// For the whole process; call before the first thread starts. Default: text, info.
void configure_log(LogLevel level, LogFormat format);

}  // namespace lockkeeper::base
