#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "scatlight/error.h"

namespace scatlight::test {

/// Expects that `action` throws a scatlight::Error of one line that contains `text`.
template <class Action>
void expect_error(Action&& action, std::string_view text) {
  try {
    action();
  } catch (const Error& error) {
    const std::string_view message = error.what();
    EXPECT_NE(message.find(text), std::string_view::npos) << "message: " << message << "\nlacks: " << text;
    EXPECT_EQ(message.find('\n'), std::string_view::npos) << message;
    return;
  }
  ADD_FAILURE() << "no Error; one with this text was expected: " << text;
}

}  // namespace scatlight::test
