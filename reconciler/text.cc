#include "reconciler/text.h"

namespace lockkeeper::reconcile {

std::string cut(std::string text, std::size_t size) {
  constexpr std::string_view mark = "...";
  if (text.size() <= size) return text;
  std::size_t end = size - mark.size();
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end) + std::string(mark);
}

}  // namespace lockkeeper::reconcile
