// Texts for people, kept within what a field may hold. Pure.
#pragma once

#include <string>

namespace lockkeeper::reconcile {

// At most `size` bytes, cut before a character that would not fit whole, "..." at the cut.
std::string cut(std::string text, std::size_t size);

}  // namespace lockkeeper::reconcile
