#include "data/jpeg.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <thread>

#include "data/jpeg_files.h"
#include "data/pictures.h"
#include "scatlight/error.h"
#include "support/expect_error.h"

namespace scatlight::data {
namespace {

using test::Bytes;
using test::draw_picture;
using test::expect_error;
using test::find_codes;
using test::find_mark;
using test::find_segment;
using test::first_bytes;
using test::JpegKind;
using test::segment;
using test::to_jpeg;
using test::with_bytes;
using test::without_segments;

Bytes decode(const Bytes& jpeg) { return decode_jpeg(jpeg, 1).rgb; }

/// The pixels, or the error.
std::pair<Bytes, std::string> outcome(const Bytes& jpeg) {
  try {
    return {decode(jpeg), {}};
  } catch (const Error& error) {
    return {{}, error.what()};
  }
}

/// With an end mark, as a program that repairs files sets it.
Bytes cut(const Bytes& jpeg, double share, bool has_end_mark) {
  const auto codes = find_codes(jpeg);
  auto bytes =
      first_bytes(jpeg, codes + static_cast<std::size_t>(share * static_cast<double>(jpeg.size() - codes)));
  if (bytes.back() == 0xFF) bytes.pop_back();
  if (has_end_mark) bytes.insert(bytes.end(), {0xFF, 0xD9});
  return bytes;
}

/// Files of all kinds, good and bad, which leave all kinds of tables in a decompressor.
std::map<std::string, Bytes> make_zoo() {
  const auto image = draw_picture(40, 32, 0);
  const auto good = to_jpeg(image, {});
  return {{"good", good},
          {"coarse", to_jpeg(image, {.quality = 5, .sampling = 2})},
          {"own Huffman tables", to_jpeg(image, {.is_optimized = true})},
          {"progressive", to_jpeg(image, {.is_progressive = true})},
          {"one scan a component", to_jpeg(image, {.is_interleaved = false})},
          {"arithmetic", to_jpeg(image, {.is_arithmetic = true})},
          {"restarts", to_jpeg(image, {.restart = 3})},
          {"grey", to_jpeg(image, {.components = 1})},
          {"CMYK", to_jpeg(image, {.components = 4})},
          {"no Huffman tables", without_segments(good, 0xC4)},
          {"no quantisation table", without_segments(good, 0xDB)},
          {"cut", cut(good, 0.5, false)},
          {"broken codes", with_bytes(good, find_codes(good) + 20, {0x7F, 0x7F, 0x7F, 0x7F, 0x7F, 0x7F})}};
}

TEST(Jpeg, OfOneFileIsTheSameAfterAnyOther) {
  const auto zoo = make_zoo();
  for (const auto& [name, file] : zoo) {
    std::pair<Bytes, std::string> alone;
    std::thread([&alone, &bytes = file] { alone = outcome(bytes); }).join();
    for (const auto& [name_before, before] : zoo) {
      outcome(before);
      EXPECT_EQ(outcome(file), alone) << name << " after " << name_before;
    }
  }
}

TEST(Jpeg, WithoutHuffmanTablesGetsTheStandardOnes) {
  const auto zoo = make_zoo();
  EXPECT_EQ(decode(zoo.at("no Huffman tables")), decode(zoo.at("good")));
}

TEST(Jpeg, WithoutAQuantisationTableIsRefused) {
  const auto zoo = make_zoo();
  expect_error([&] { decode(zoo.at("no quantisation table")); }, "Quantization table 0x00 was not defined");
}

/// What programs and cameras write, which costs no pixel.
std::map<std::string, std::function<Bytes(Bytes)>> harmless_oddities() {
  return {{"none", [](Bytes jpeg) { return jpeg; }},
          {"bytes before a marker",
           [](Bytes jpeg) { return with_bytes(jpeg, find_segment(jpeg, 0xDB), {0, 0}); }},
          {"a restart mark among header segments",
           [](Bytes jpeg) { return with_bytes(jpeg, find_segment(jpeg, 0xC4), {0xFF, 0xD5}); }},
          {"an unknown revision of JFIF",
           [](Bytes jpeg) {
             jpeg[find_segment(jpeg, 0xE0) + 9] = 9;
             return jpeg;
           }},
          {"odd scan parameters",
           [](Bytes jpeg) {
             jpeg[find_codes(jpeg) - 2] = 0;  // the last coefficient
             return jpeg;
           }},
          {"an unknown transform of Adobe", [](Bytes jpeg) {
             const std::string adobe("Adobe\0\x64\0\0\0\0\x09", 12);
             return with_bytes(without_segments(jpeg, 0xE0), 2, segment(0xEE, adobe));
           }}};
}

TEST(Jpeg, WithOdditiesThatCostNoPixelIsDecoded) {
  const auto jpeg = to_jpeg(draw_picture(40, 32, 0), {.restart = 2});
  for (const auto& [name, make] : harmless_oddities()) EXPECT_EQ(outcome(make(jpeg)), outcome(jpeg)) << name;
}

TEST(Jpeg, ThatIsCutIsRefusedWhateverComesBefore) {
  const auto jpeg = to_jpeg(draw_picture(40, 32, 0), {.restart = 2});
  for (const auto& [name, make] : harmless_oddities()) {
    for (const double share : {0.0, 0.3, 0.6, 0.9}) {
      for (const bool has_end_mark : {false, true}) {
        EXPECT_THROW(decode(make(cut(jpeg, share, has_end_mark))), Error)
            << name << ", " << share << (has_end_mark ? " with an end mark" : "");
      }
    }
  }
}

TEST(Jpeg, OfEveryKindThatIsCutIsRefused) {
  for (const auto& [name, jpeg] : make_zoo()) {
    for (const double share : {0.0, 0.2, 0.4, 0.6, 0.8}) {
      EXPECT_THROW(decode(cut(jpeg, share, false)), Error) << name << ", " << share;
    }
  }
}

TEST(Jpeg, WithBytesBeforeARestartMarkIsRefused) {
  const auto jpeg = to_jpeg(draw_picture(40, 32, 0), {.restart = 2});
  const auto mark = find_mark(jpeg, 0xD1, find_codes(jpeg));
  expect_error([&] { decode(with_bytes(jpeg, mark, {1, 2, 3, 4})); }, "extraneous bytes before marker 0xd1");
  // Behind the last block they are nobody's.
  EXPECT_EQ(decode(with_bytes(jpeg, jpeg.size() - 2, {1, 2, 3, 4})), decode(jpeg));
}

TEST(Jpeg, WithoutItsEndMarkIsDecodedWhateverFollows) {
  const auto image = draw_picture(40, 32, 0);
  for (const auto& kind : {JpegKind{}, JpegKind{.restart = 2}, JpegKind{.is_progressive = true},
                           JpegKind{.is_interleaved = false}, JpegKind{.components = 1}}) {
    const auto jpeg = to_jpeg(image, kind);
    auto bytes = first_bytes(jpeg, jpeg.size() - 2);
    EXPECT_EQ(decode(bytes), decode(jpeg));
    bytes.insert(bytes.end(), 1000, 0x55);
    EXPECT_EQ(decode(bytes), decode(jpeg));
  }
  // A phone's second picture.
  auto bytes = first_bytes(to_jpeg(image, {}), to_jpeg(image, {}).size() - 2);
  const auto second = to_jpeg(draw_picture(16, 16, 1), {});
  bytes.insert(bytes.end(), second.begin(), second.end());
  EXPECT_EQ(decode(bytes), decode(to_jpeg(image, {})));
}

TEST(Jpeg, OfSeveralScansNeedsThemAll) {
  const auto image = draw_picture(40, 32, 0);
  const auto progressive = to_jpeg(image, {.is_progressive = true});
  auto next = find_mark(progressive, 0xDA, find_codes(progressive));
  for (int scan = 0; scan < 3; ++scan) {
    const auto part = first_bytes(progressive, find_mark(progressive, 0xC4, next));
    expect_error([&] { decode(part); }, "Premature end of JPEG file");
    next = find_mark(progressive, 0xDA, next + 2);
  }
  const auto sequential = to_jpeg(image, {.is_interleaved = false});
  auto part = first_bytes(sequential, find_mark(sequential, 0xDA, find_codes(sequential)));
  expect_error([&] { decode(part); }, "no scan of one of its colour components");
  part.insert(part.end(), {0xFF, 0xD9});
  expect_error([&] { decode(part); }, "no scan of one of its colour components");
}

TEST(Jpeg, OfAGreatManyScansIsRefused) {
  const auto jpeg = to_jpeg(draw_picture(16, 16, 0), {.is_interleaved = false});
  const auto scan = find_segment(jpeg, 0xDA);
  const Bytes first(&jpeg[scan], &jpeg[find_mark(jpeg, 0xC4, find_codes(jpeg))]);
  auto bytes = jpeg;
  for (int i = 0; i < 500; ++i) bytes = with_bytes(bytes, scan, first);
  expect_error([&] { decode(bytes); }, "more than 500 scans");
}

}  // namespace
}  // namespace scatlight::data
