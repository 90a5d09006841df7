// The fields of a type as a list, in the words of a CRD schema, so that a test can hold the two
// against each other. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "crds/fields.h"

namespace lockkeeper::crds {

// Path (spec.operations[].addColumn.table) to what is said of it:
// "string required minLength=1 maxLength=127 bytes".
using FieldList = std::map<std::string, std::string>;

class FieldLister final : public Fields {
 public:
  explicit FieldLister(std::string_view root);
  ~FieldLister() override;

  using Fields::boolean;
  using Fields::choice;
  using Fields::duration;
  using Fields::integer;
  using Fields::text;

  void text(std::string_view name, std::optional<std::string>& value, const Text& rule) override;
  void boolean(std::string_view name, std::optional<bool>& value) override;
  void integer(std::string_view name, std::optional<std::int64_t>& value,
               const Integer& rule) override;
  void number(std::string_view name, std::optional<double>& value) override;
  void duration(std::string_view name, std::optional<std::chrono::milliseconds>& value,
                const Duration& rule) override;
  void time(std::string_view name, std::optional<Time>& value, Presence presence) override;
  void texts(std::string_view name, std::vector<std::string>& value, const List& rule,
             const Text& item) override;
  void parameters(std::string_view name, Parameters& value, const List& rule,
                  const Text& item) override;
  void choice(std::string_view name, std::optional<std::size_t>& value,
              std::span<const std::string_view> names, Presence presence) override;
  void check(bool holds, std::string_view field, std::string_view message) override;

  // Once, after everything was described.
  FieldList finish();

 protected:
  bool enter(std::string_view name, bool present, Presence presence) override;
  void leave() override;
  std::size_t enter_list(std::string_view name, std::size_t size, const List& rule) override;
  bool enter_item(std::size_t index) override;
  void leave_list() override;
  std::vector<std::size_t> alternatives(std::size_t current,
                                        std::span<const std::string_view> names) override;

 private:
  struct Level;
  void add(std::string_view name, std::string facts);
  void add_default(std::string& facts, std::string_view text);
  [[nodiscard]] std::string path_of(std::string_view name) const;

  FieldList fields_;
  std::vector<Level> levels_;
};

template <typename T>
FieldList list_fields(std::string_view root) {
  T value;
  FieldLister lister(root);
  describe(lister, value);
  return lister.finish();
}

}  // namespace lockkeeper::crds
