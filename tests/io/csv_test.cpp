#include "io/csv.h"

#include <gtest/gtest.h>

namespace scatlight::io {
namespace {

TEST(Csv, QuotesWhatWouldEndAField) {
  EXPECT_EQ(csv_line({"a.jpg", "", "0.5"}), "a.jpg,,0.5\n");
  EXPECT_EQ(csv_line({"a,b", "say \"no\"", "two\nlines", "\r"}),
            "\"a,b\",\"say \"\"no\"\"\",\"two\nlines\",\"\r\"\n");
  EXPECT_EQ(csv_line({}), "\n");
}

}  // namespace
}  // namespace scatlight::io
