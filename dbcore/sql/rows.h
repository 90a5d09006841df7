// The rows that a statement gave; owns the libpq result. Movable; reading is thread-safe.
//
// Columns are addressed by position (from 0) in the order of the statement's select list.
// Converting a value that is not of the asked form is our own mistake and ends the process.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct pg_result;

namespace lockkeeper::sql {

class Rows;

class Row {
 public:
  [[nodiscard]] bool is_null(int column) const;
  // Lives as long as the Rows; empty for NULL.
  [[nodiscard]] std::string_view view(int column) const;
  [[nodiscard]] std::string text(int column) const { return std::string(view(column)); }
  [[nodiscard]] std::optional<std::string> optional_text(int column) const;
  [[nodiscard]] std::int64_t integer(int column) const;  // 0 for NULL
  [[nodiscard]] double real(int column) const;           // 0 for NULL
  [[nodiscard]] bool boolean(int column) const;          // false for NULL
  // A one-dimensional array of any type as texts; NULL elements become "". Empty for NULL.
  [[nodiscard]] std::vector<std::string> array(int column) const;

 private:
  friend class Rows;
  Row(const pg_result* result, int row) : result_(result), row_(row) {}
  const pg_result* result_;
  int row_;
};

class Rows {
 public:
  Rows() = default;
  explicit Rows(pg_result* result);  // takes ownership

  [[nodiscard]] int size() const;
  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] Row operator[](int row) const { return {result_.get(), row}; }
  // Rows that an INSERT, UPDATE or DELETE changed; 0 for other statements.
  [[nodiscard]] std::int64_t affected() const;
  [[nodiscard]] int columns() const;
  [[nodiscard]] std::string column_name(int column) const;
  // Type oid and type modifier (-1: none) of a result column.
  [[nodiscard]] std::uint32_t type_oid(int column) const;
  [[nodiscard]] int type_modifier(int column) const;

  // for (const Row row : rows)
  class Iterator {
   public:
    Iterator(const Rows* rows, int row) : rows_(rows), row_(row) {}
    Row operator*() const { return (*rows_)[row_]; }
    Iterator& operator++() {
      ++row_;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return row_ != other.row_; }

   private:
    const Rows* rows_;
    int row_;
  };
  [[nodiscard]] Iterator begin() const { return {this, 0}; }
  [[nodiscard]] Iterator end() const { return {this, size()}; }

 private:
  struct Clear {
    void operator()(pg_result* result) const;
  };
  std::unique_ptr<pg_result, Clear> result_;
};

}  // namespace lockkeeper::sql
