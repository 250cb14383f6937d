#include "data/decode.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <random>

#include "data/orientation.h"
#include "data/pictures.h"
#include "scatlight/error.h"
#include "support/expect_error.h"
#include "support/mutate.h"
#include "support/temporary_folder.h"

namespace scatlight::data {
namespace {

using test::as_bytes;
using test::as_text;
using test::draw_picture;
using test::expect_error;
using test::to_jpeg;
using test::to_png;

using Bytes = std::vector<std::uint8_t>;

Image decode(const Bytes& bytes, int reduction = 1) {
  return EncodedImage(bytes, "picture").decode(reduction);
}

Bytes with_segment(const Bytes& jpeg, std::uint8_t marker, std::string_view content) {
  const auto length = content.size() + 2;
  Bytes segment = {0xFF, marker, static_cast<std::uint8_t>(length >> 8), static_cast<std::uint8_t>(length)};
  segment.insert(segment.end(), content.begin(), content.end());
  Bytes result = jpeg;
  result.insert(result.begin() + 2, segment.begin(), segment.end());
  return result;
}

/// An EXIF record of one directory with one entry.
std::string exif(bool is_big_endian, int tag, int type, int count, int value) {
  const auto number = [&](int size, int n) {
    std::string bytes;
    for (int i = 0; i < size; ++i) {
      bytes += static_cast<char>(n >> 8 * (is_big_endian ? size - 1 - i : i));
    }
    return bytes;
  };
  return std::string("Exif\0\0", 6) + (is_big_endian ? "MM" : "II") + number(2, 42) + number(4, 8) +
         number(2, 1) + number(2, tag) + number(2, type) + number(4, count) + number(2, value) +
         number(2, 0) + number(4, 0);
}

/// Place of the frame header's marker byte.
std::size_t find_frame(const Bytes& jpeg) {
  for (std::size_t i = 2; i + 1 < jpeg.size(); ++i) {
    if (jpeg[i] == 0xFF && (jpeg[i + 1] == 0xC0 || jpeg[i + 1] == 0xC2)) return i + 1;
  }
  ADD_FAILURE() << "no frame header";
  return 0;
}

TEST(Orientation, TurnsEveryWayUpright) {
  // What is stored so that the upright picture is 1 2 3 / 4 5 6 (EXIF 2.3, table of tag 274).
  struct Stored {
    int width, height;
    std::array<std::uint8_t, 6> levels;
  };
  const std::array<Stored, 8> stored = {{{3, 2, {1, 2, 3, 4, 5, 6}},
                                         {3, 2, {3, 2, 1, 6, 5, 4}},
                                         {3, 2, {6, 5, 4, 3, 2, 1}},
                                         {3, 2, {4, 5, 6, 1, 2, 3}},
                                         {2, 3, {1, 4, 2, 5, 3, 6}},
                                         {2, 3, {3, 6, 2, 5, 1, 4}},
                                         {2, 3, {6, 3, 5, 2, 4, 1}},
                                         {2, 3, {4, 1, 5, 2, 6, 3}}}};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const auto& [width, height, levels] = stored[static_cast<std::size_t>(orientation - 1)];
    Image image{.width = width, .height = height};
    for (const int level : levels) {
      for (int c = 0; c < 3; ++c) image.rgb.push_back(static_cast<std::uint8_t>(10 * level + c));
    }
    const auto upright = make_upright(image, orientation);
    EXPECT_EQ(upright.width, 3) << orientation;
    EXPECT_EQ(upright.height, 2) << orientation;
    EXPECT_EQ(upright.rgb, (Bytes{10, 11, 12, 20, 21, 22, 30, 31, 32, 40, 41, 42, 50, 51, 52, 60, 61, 62}))
        << orientation;
  }
}

TEST(Orientation, IsReadFromExifInBothByteOrders) {
  const auto plain = to_jpeg(draw_picture(40, 24, 0));
  for (const bool is_big_endian : {false, true}) {
    for (int orientation = 1; orientation <= 8; ++orientation) {
      const EncodedImage image(with_segment(plain, 0xE1, exif(is_big_endian, 0x112, 3, 1, orientation)), "a");
      EXPECT_EQ(image.size().width, orientation < 5 ? 40 : 24);
      EXPECT_EQ(image.decode().rgb, make_upright(decode(plain), orientation).rgb);
      EXPECT_EQ(image.decode(2).width, image.size().width / 2);
    }
  }
}

TEST(Orientation, OfABrokenRecordIsUpright) {
  const auto plain = to_jpeg(draw_picture(16));
  const auto expected = decode(plain).rgb;
  const auto good = exif(false, 0x112, 3, 1, 6);
  for (const auto& record :
       {exif(false, 0x112, 3, 1, 0), exif(false, 0x112, 3, 1, 9), exif(false, 0x112, 4, 1, 6),
        exif(false, 0x112, 3, 2, 6), exif(false, 0x113, 3, 1, 6), good.substr(0, 10), good.substr(0, 20),
        good.substr(0, 25), std::string("Exif\0\0", 6)}) {
    EXPECT_EQ(decode(with_segment(plain, 0xE1, record)).rgb, expected);
  }
  auto far = good;
  far.replace(10, 4, "\xff\xff\xff\xff");  // the directory's place
  EXPECT_EQ(decode(with_segment(plain, 0xE1, far)).rgb, expected);
}

TEST(Decode, ReducedSizesAreRoundedUpAndLookLikeTheWhole) {
  for (const ImageSize size : {ImageSize{64, 48}, ImageSize{101, 67}, ImageSize{9, 1}, ImageSize{1, 1}}) {
    const auto jpeg = to_jpeg(draw_picture(size.width, size.height, 3));
    const auto whole = decode(jpeg);
    for (const int reduction : {2, 4, 8}) {
      const auto reduced = decode(jpeg, reduction);
      EXPECT_EQ(reduced.width, (size.width + reduction - 1) / reduction);
      EXPECT_EQ(reduced.height, (size.height + reduction - 1) / reduction);
      // Means of the blocks that are whole.
      double difference = 0;
      int blocks = 0;
      for (int y = 0; y < size.height / reduction; ++y) {
        for (int x = 0; x < size.width / reduction; ++x, ++blocks) {
          double mean = 0;
          for (int v = 0; v < reduction; ++v) {
            for (int u = 0; u < reduction; ++u) {
              mean += whole.rgb[static_cast<std::size_t>(
                  3 * ((y * reduction + v) * size.width + x * reduction + u))];
            }
          }
          mean /= reduction * reduction;
          difference += std::abs(mean - reduced.rgb[static_cast<std::size_t>(3 * (y * reduced.width + x))]);
        }
      }
      if (blocks > 0) {
        fmt::print("  {} x {} at 1/{}: mean difference {:.2f} levels\n", size.width, size.height, reduction,
                   difference / blocks);
        EXPECT_LT(difference / blocks, 3);
      }
    }
  }
}

TEST(Decode, PngIsExact) {
  const auto image = draw_picture(33, 21, 0);
  const auto again = decode(to_png(image));
  EXPECT_EQ(again.width, 33);
  EXPECT_EQ(again.height, 21);
  EXPECT_EQ(again.rgb, image.rgb);
}

TEST(Decode, RefusesWhatIsNoPicture) {
  expect_error([] { decode({}); }, "cannot decode picture: it is empty");
  expect_error([] { decode(as_bytes("GIF89a, really")); },
               "cannot decode picture: it is neither a JPEG nor a PNG");
  expect_error([] { decode(as_bytes("\xff\xd8\xff")); }, "it ends within its JPEG header");
  expect_error([] { decode(as_bytes("\x89PNG\r\n\x1a\n")); }, "it ends within its PNG header");
  expect_error([] { EncodedImage::open("/nowhere/to\nbe found.jpg"); },
               "cannot read /nowhere/to\\x0abe found.jpg");
  expect_error([] { decode_file("/dev/null"); }, "it is not a regular file");
}

TEST(Decode, RefusesEveryTruncation) {
  const auto image = draw_picture(40, 24, 0);
  for (const auto& whole : {to_jpeg(image), to_png(image)}) {
    for (std::size_t length = 0; length < whole.size(); ++length) {
      Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
      // The last bytes, a JPEG's end mark and the checksum of a PNG's, may be lacking.
      if (length + 4 >= whole.size()) continue;
      EXPECT_THROW(decode(part), Error) << length << " of " << whole.size();
    }
  }
}

TEST(Decode, RefusesHeadersThatLie) {
  const auto jpeg = to_jpeg(draw_picture(40, 24, 0));
  const auto frame = find_frame(jpeg);
  const auto with_size = [&](int width, int height) {
    auto bytes = jpeg;
    bytes[frame + 4] = static_cast<std::uint8_t>(height >> 8);
    bytes[frame + 5] = static_cast<std::uint8_t>(height);
    bytes[frame + 6] = static_cast<std::uint8_t>(width >> 8);
    bytes[frame + 7] = static_cast<std::uint8_t>(width);
    return bytes;
  };
  expect_error([&] { decode(with_size(0, 24)); }, "it has no pixels (0 x 24)");
  expect_error([&] { decode(with_size(40, 0)); }, "it has no pixels (40 x 0)");
  expect_error([&] { decode(with_size(65535, 24)); }, "it has 65535 x 24 pixels; at most 65500 a side");
  expect_error([&] { decode(with_size(65500, 65500)); }, "it has 65500 x 65500 pixels");
  expect_error([&] { decode(with_size(16000, 16000)); }, "truncated: a JPEG of 16000 x 16000 pixels");
  expect_error([&] { decode(with_size(400, 240)); }, "remature end");

  const auto png = to_png(draw_picture(40, 24, 0));
  const auto with_png_size = [&](std::uint32_t width) {
    auto bytes = png;
    for (int i = 0; i < 4; ++i)
      bytes[16 + static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(width >> (24 - 8 * i));
    return bytes;
  };
  expect_error([&] { decode(with_png_size(0)); }, "it has no pixels (0 x 24)");
  expect_error([&] { decode(with_png_size(0xFFFFFFFF)); }, "beyond 2^31");
  expect_error([&] { decode(with_png_size(1U << 30)); }, "at most 65500 a side");
  expect_error([&] { decode(with_png_size(80)); }, "cannot decode picture: ");
}

TEST(Decode, PassesOverComplaintsThatCostNoPixel) {
  const auto jpeg = to_jpeg(draw_picture(40, 24, 0));
  auto padded = jpeg;
  padded.insert(padded.end() - 2, {1, 2, 3});  // "extraneous bytes before marker"
  EXPECT_EQ(decode(padded).rgb, decode(jpeg).rgb);
  auto trailing = jpeg;
  trailing.insert(trailing.end(), 1000, 0x55);  // a phone's video behind the picture
  EXPECT_EQ(decode(trailing).rgb, decode(jpeg).rgb);
}

TEST(Decode, NeverCrashesOnDamagedFiles) {
  std::mt19937_64 random(7);
  const auto image = draw_picture(37, 29, 0);
  const auto turned = with_segment(to_jpeg(image), 0xE1, exif(true, 0x112, 3, 1, 6));
  int refused = 0;
  int accepted = 0;
  for (const auto& whole : {to_jpeg(image, 60), turned, to_png(image)}) {
    for (int round = 0; round < 3000; ++round) {
      const auto bytes = as_bytes(test::mutate(std::string(as_text(whole)), random));
      try {
        const EncodedImage encoded(bytes, "damaged");
        const int reduction = encoded.can_reduce() ? 1 << round % 4 : 1;
        const auto decoded = encoded.decode(reduction);
        EXPECT_EQ(decoded.width, (encoded.size().width + reduction - 1) / reduction);
        EXPECT_EQ(decoded.rgb.size(), std::size_t{3} * decoded.width * decoded.height);
        ++accepted;
      } catch (const Error& error) {
        EXPECT_TRUE(std::string_view(error.what()).starts_with("cannot decode damaged: ")) << error.what();
        EXPECT_EQ(std::string_view(error.what()).find('\n'), std::string_view::npos);
        ++refused;
      }
    }
  }
  fmt::print("  {} damaged files refused, {} decoded\n", refused, accepted);
  EXPECT_GT(refused, 1000);
  EXPECT_GT(accepted, 100);
}

TEST(ReadImageSize, NeedsTheHeaderAlone) {
  const test::TemporaryFolder folder;
  const auto jpeg = to_jpeg(draw_picture(40, 24, 0));
  const ImageSize expected{.width = 40, .height = 24};
  EXPECT_EQ(read_image_size(folder.add("a.jpg", as_text(jpeg))), expected);
  EXPECT_EQ(read_image_size(folder.add("a.png", as_text(to_png(draw_picture(40, 24, 0))))), expected);
  const auto header = as_text(jpeg).substr(0, find_frame(jpeg) + 20);
  EXPECT_EQ(read_image_size(folder.add("header.jpg", header)), expected);
  // A camera's records may push the size beyond what is read at first.
  auto large = jpeg;
  for (int i = 0; i < 3; ++i) large = with_segment(large, 0xE2, std::string(60000, 'x'));
  EXPECT_EQ(read_image_size(folder.add("large.jpg", as_text(large))), expected);
  expect_error([&] { read_image_size(folder.add("text.jpg", "words")); }, "neither a JPEG nor a PNG");
}

}  // namespace
}  // namespace scatlight::data
