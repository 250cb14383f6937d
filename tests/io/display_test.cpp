#include "io/display.h"

#include <gtest/gtest.h>

namespace scatlight::io {
namespace {

TEST(Display, LeavesTextAsItIs) {
  for (const char* text :
       {"", "photo 1.jpg", "a\\b", "Übergröße.jpg", "写真", "😀", "\u00a0", "\u2027", "\u202f"}) {
    EXPECT_EQ(display(text), text);
  }
}

TEST(Display, EscapesControlCharacters) {
  EXPECT_EQ(display("a\nb\x1b[31m\x7f"), "a\\x0ab\\x1b[31m\\x7f");
  EXPECT_EQ(display(std::string_view("\0", 1)), "\\x00");
  for (int code = 0x80; code <= 0x9F; ++code) {  // of which some drive a terminal, as escape sequences do
    const std::string text = {'\xC2', static_cast<char>(code)};
    constexpr char digits[] = "0123456789abcdef";
    EXPECT_EQ(display(text), std::string("\\u00") + digits[code / 16] + digits[code % 16]);
  }
}

TEST(Display, EscapesWhatTurnsTheDirection) {
  EXPECT_EQ(display("photo\u202egpj.exe"), "photo\\u202egpj.exe");
  for (const char* text : {"\u061c", "\u200e", "\u200f", "\u2028", "\u2029", "\u202a", "\u2066", "\u2069"}) {
    EXPECT_EQ(display(text).substr(0, 2), "\\u") << text;
  }
}

TEST(Display, EscapesWhatIsNoUtf8) {
  EXPECT_EQ(display("caf\xe9.jpg"), "caf\\xe9.jpg");
  EXPECT_EQ(display("\x9b"
                    "31m"),
            "\\x9b31m");
  EXPECT_EQ(display("\xe0\x82\x9b"), "\\xe0\\x82\\x9b");           // longer than it needs to be
  EXPECT_EQ(display("\xc1\x9b"), "\\xc1\\x9b");                    // the same
  EXPECT_EQ(display("\xed\xa0\x80"), "\\xed\\xa0\\x80");           // half of a pair
  EXPECT_EQ(display("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");  // beyond Unicode
  EXPECT_EQ(display("\xf5\x80\x80\x80"), "\\xf5\\x80\\x80\\x80");
  EXPECT_EQ(display("\xe2\x82"), "\\xe2\\x82");  // cut
}

TEST(Display, CutsBetweenCharacters) {
  const std::string full(299, 'x');
  EXPECT_EQ(display(full + "y"), full + "y");
  EXPECT_EQ(display(full + "yz"), full + "y...");
  EXPECT_EQ(display(full + "é"), full + "...");
}

}  // namespace
}  // namespace scatlight::io
