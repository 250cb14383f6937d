#include "data/decode.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "data/jpeg_files.h"
#include "data/pictures.h"
#include "scatlight/error.h"
#include "support/expect_error.h"
#include "support/mutate.h"
#include "support/temporary_folder.h"

namespace scatlight::data {
namespace {

using test::as_bytes;
using test::as_text;
using test::Bytes;
using test::draw_picture;
using test::expect_error;
using test::find_segment;
using test::first_bytes;
using test::segment;
using test::to_jpeg;
using test::to_png;
using test::to_webp;
using test::with_bytes;

Image decode(const Bytes& bytes, int reduction = 1) {
  return EncodedImage(bytes, "picture").decode(reduction);
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

TEST(Decode, WebpIsExactOrClose) {
  const auto image = draw_picture(33, 21, 0);
  EXPECT_EQ(decode(to_webp(image, 100)).rgb, image.rgb);  // without loss
  const auto lossy = decode(to_webp(image, 90));
  EXPECT_EQ(lossy.width, 33);
  EXPECT_EQ(lossy.height, 21);
  EXPECT_LT(test::mean_difference(lossy.rgb, image.rgb), 8);
}

TEST(Decode, RefusesWhatIsNoPicture) {
  expect_error([] { decode({}); }, "cannot decode picture: it is empty");
  expect_error([] { decode(as_bytes("GIF89a, really")); },
               "cannot decode picture: it is neither a JPEG nor a PNG nor a WebP");
  expect_error([] { decode(as_bytes("\xff\xd8\xff")); }, "it ends within its JPEG header");
  expect_error([] { decode(as_bytes("\x89PNG\r\n\x1a\n")); }, "it ends within its PNG header");
  expect_error([] { decode(as_bytes({"RIFF\0\0\0\0WEBPVP8 ", 16})); }, "a WebP that is cut or broken");
  expect_error([] { EncodedImage::open("/nowhere/to\nbe found.jpg"); },
               "cannot read /nowhere/to\\x0abe found.jpg");
  expect_error([] { decode_file("/dev/null"); }, "it is not a regular file");
}

TEST(Decode, RefusesEveryTruncationThatCostsPixels) {
  const auto image = draw_picture(40, 24, 0);
  const Bytes files[] = {to_jpeg(image),
                         to_jpeg(image, {.is_progressive = true}),
                         to_jpeg(image, {.is_interleaved = false}),
                         to_jpeg(image, {.is_arithmetic = true}),
                         to_png(image),
                         to_webp(image, 100),
                         to_webp(image, 90)};
  for (const auto& whole : files) {
    const auto pixels = decode(whole).rgb;
    for (std::size_t length = 0; length < whole.size(); ++length) {
      try {
        EXPECT_EQ(decode(first_bytes(whole, length)).rgb, pixels) << length << " of " << whole.size();
        EXPECT_GT(length + 17, whole.size());  // end marks and checksums
      } catch (const Error&) {
        continue;
      }
    }
  }
}

TEST(Decode, RefusesHeadersThatLie) {
  const auto jpeg = to_jpeg(draw_picture(40, 24, 0));
  const auto frame = find_segment(jpeg, 0xC0);
  const auto with_size = [&](int width, int height) {
    auto bytes = jpeg;
    bytes[frame + 5] = static_cast<std::uint8_t>(height >> 8);
    bytes[frame + 6] = static_cast<std::uint8_t>(height);
    bytes[frame + 7] = static_cast<std::uint8_t>(width >> 8);
    bytes[frame + 8] = static_cast<std::uint8_t>(width);
    return bytes;
  };
  expect_error([&] { decode(with_size(0, 24)); }, "Empty JPEG image");
  expect_error([&] { decode(with_size(40, 0)); }, "Empty JPEG image");
  expect_error([&] { decode(with_size(65535, 24)); }, "Maximum supported image dimension is 65500 pixels");
  expect_error([&] { decode(with_size(65500, 65500)); }, "it has 65500 x 65500 pixels");
  expect_error([&] { decode(with_size(13000, 13000)); }, "truncated: a JPEG of 13000 x 13000 pixels");
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
  expect_error([&] { decode(with_png_size(1U << 30)); }, "at most 65500 per side");
  expect_error([&] { decode(with_png_size(80)); }, "cannot decode picture: ");
}

TEST(Decode, RefusesMorePixelsThanTheLimit) {
  const test::TemporaryFolder folder;
  const auto image = draw_picture(40, 24, 0);
  for (const auto& bytes : {to_jpeg(image), to_png(image), to_webp(image, 90)}) {
    const auto file = folder.add("a", as_text(bytes));
    EXPECT_EQ(EncodedImage(bytes, "a", 960).decode().rgb, decode(bytes).rgb);
    EXPECT_EQ(decode_file(file, 960).rgb, decode(bytes).rgb);
    const std::string_view words =
        "it has 40 x 24 pixels; at most 65500 per side and 959 in all are accepted";
    expect_error([&] { EncodedImage(bytes, "a", 959); }, words);
    expect_error([&] { decode_file(file, 959); }, words);
    expect_error([&] { read_image_size(file, 959); }, words);
  }
}

TEST(Decode, NeverCrashesOnDamagedFiles) {
  std::mt19937_64 random(7);
  const auto image = draw_picture(37, 29, 0);
  int refused = 0;
  int accepted = 0;
  for (const auto& whole :
       {to_jpeg(image, 60), to_jpeg(image, {.sampling = 2, .is_progressive = true, .restart = 2}),
        to_png(image), to_webp(image, 100), to_webp(image, 60)}) {
    for (int round = 0; round < 2000; ++round) {
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

TEST(ReadImageSize, NeedsTheHeaderOfAJpegAlone) {
  const test::TemporaryFolder folder;
  const auto image = draw_picture(40, 24, 0);
  const ImageSize expected{.width = 40, .height = 24};
  for (const auto& bytes : {to_jpeg(image), to_png(image), to_webp(image, 90)}) {
    EXPECT_EQ(read_image_size(folder.add("a", as_text(bytes))), expected);
  }
  const auto jpeg = to_jpeg(image);
  const auto header = first_bytes(jpeg, test::find_codes(jpeg));
  EXPECT_EQ(read_image_size(folder.add("header.jpg", as_text(header))), expected);
  // A camera's records may push the size beyond what is read at first.
  auto large = jpeg;
  for (int i = 0; i < 3; ++i) large = with_bytes(large, 2, segment(0xE2, std::string(60000, 'x')));
  EXPECT_EQ(read_image_size(folder.add("large.jpg", as_text(large))), expected);
  expect_error([&] { read_image_size(folder.add("text.jpg", "words")); }, "neither a JPEG nor a PNG");
}

}  // namespace
}  // namespace scatlight::data
