#include "data/orientation.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "data/decode.h"
#include "data/jpeg_files.h"
#include "data/pictures.h"

namespace scatlight::data {
namespace {

using test::Bytes;
using test::draw_picture;
using test::exif_record;
using test::segment;
using test::to_jpeg;
using test::with_bytes;

Image decode(const Bytes& jpeg) { return EncodedImage(jpeg, "picture").decode(); }

Bytes with_record(const Bytes& jpeg, std::string_view record) {
  return with_bytes(jpeg, 2, segment(0xE1, record));
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

TEST(Orientation, TurnsAPartWithThePicture) {
  // A dark picture with a light part, which is found again in what make_upright() makes of it.
  Image image{.width = 7, .height = 5, .rgb = Bytes(3 * 7 * 5)};
  const Rect part{.left = 1, .top = 3, .right = 4, .bottom = 5};
  for (int y = 3; y < 5; ++y) {
    for (int x = 1; x < 4; ++x) image.rgb[static_cast<std::size_t>(3 * (y * 7 + x))] = 255;
  }
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const auto upright = make_upright(image, orientation);
    const auto turned = make_upright(part, {.width = 7, .height = 5}, orientation);
    for (int y = 0; y < upright.height; ++y) {
      for (int x = 0; x < upright.width; ++x) {
        const bool is_within = float(x) >= turned.left && float(x) < turned.right && float(y) >= turned.top &&
                               float(y) < turned.bottom;
        EXPECT_EQ(upright.rgb[static_cast<std::size_t>(3 * (y * upright.width + x))], is_within ? 255 : 0)
            << orientation << " at " << x << " " << y;
      }
    }
  }
}

TEST(Orientation, IsReadFromExifInBothByteOrders) {
  const auto plain = to_jpeg(draw_picture(40, 24, 0));
  for (const bool is_big_endian : {false, true}) {
    for (int orientation = 1; orientation <= 8; ++orientation) {
      const EncodedImage image(with_record(plain, exif_record(is_big_endian, 0x112, 3, 1, orientation)), "a");
      EXPECT_EQ(image.size().width, orientation < 5 ? 40 : 24);
      EXPECT_EQ(image.decode().rgb, make_upright(decode(plain), orientation).rgb);
      EXPECT_EQ(image.decode(2).width, image.size().width / 2);
    }
  }
}

TEST(Orientation, IsReadFromEveryRecordThatPillowReads) {
  const auto read = [](const std::string& exif, std::string_view xmp = {}) {
    return read_orientation(test::as_bytes(exif), xmp);
  };
  const std::string mark("Exif\0\0", 6);
  for (const bool is_big_endian : {false, true}) {
    const auto good = exif_record(is_big_endian, 0x112, 3, 1, 6);
    EXPECT_EQ(read(good), 6);
    EXPECT_EQ(read(good.substr(6)), 6);
    EXPECT_EQ(read(mark + good), 6);
    EXPECT_EQ(read(mark + mark + good), 1);
    EXPECT_EQ(read(exif_record(is_big_endian, 0x112, 4, 1, 6)), 6);  // a LONG
    EXPECT_EQ(read(exif_record(is_big_endian, 0x112, 3, 2, 6)), 6);  // the first of two
    EXPECT_EQ(read(good, "tiff:Orientation=\"3\""), 6);
  }
  EXPECT_EQ(read({}, "<rdf tiff:Orientation=\"8\"/>"), 8);
  EXPECT_EQ(read({}, "tiff:Orientation <tiff:Orientation>5</tiff:Orientation>"), 5);
  EXPECT_EQ(read(exif_record(false, 0x113, 3, 1, 6), "tiff:Orientation=\"3\""), 3);
}

TEST(Orientation, OfABrokenRecordIsUpright) {
  const auto good = exif_record(false, 0x112, 3, 1, 6);
  auto far = good;
  far.replace(10, 4, "\xff\xff\xff\xff");  // the directory's place
  for (const auto& record : {exif_record(false, 0x112, 3, 1, 0), exif_record(false, 0x112, 3, 1, 9),
                             exif_record(false, 0x112, 4, 1, 1 << 16 | 6), exif_record(false, 0x112, 3, 0, 6),
                             exif_record(false, 0x112, 2, 1, 6), exif_record(false, 0x112, 4, 2, 1 << 30),
                             exif_record(false, 0x113, 3, 1, 6), good.substr(0, 10), good.substr(0, 20),
                             good.substr(0, 25), far, std::string("Exif\0\0", 6), std::string()}) {
    EXPECT_EQ(read_orientation(test::as_bytes(record), {}), 1);
  }
  for (const auto* xmp :
       {"tiff:Orientation=\"0\"", "tiff:Orientation=\"9\"", "tiff:Orientation=\"", "tiff:Orientation"}) {
    EXPECT_EQ(read_orientation({}, xmp), 1);
  }
}

TEST(Orientation, OfAJpegMayStandInAnySegmentBeforeTheScan) {
  const auto plain = to_jpeg(draw_picture(40, 24, 0));
  const auto turned = make_upright(decode(plain), 6).rgb;
  const auto record = exif_record(false, 0x112, 3, 1, 6);
  const std::string xmp("http://ns.adobe.com/xap/1.0/\0<rdf tiff:Orientation=\"6\"/>", 56);
  for (const auto marker : {0xE0, 0xC0, 0xC4, 0xDA}) {
    const auto place = test::find_segment(plain, static_cast<std::uint8_t>(marker));
    EXPECT_EQ(decode(with_bytes(plain, place, segment(0xE1, record))).rgb, turned) << marker;
    EXPECT_EQ(decode(with_bytes(plain, place, segment(0xE1, xmp))).rgb, turned) << marker;
  }
  // A long record is split over segments.
  const auto split = with_bytes(plain, 2, segment(0xE1, std::string("Exif\0\0", 6) + record.substr(12)));
  EXPECT_EQ(decode(with_bytes(split, 2, segment(0xE1, record.substr(0, 12)))).rgb, turned);
}

}  // namespace
}  // namespace scatlight::data
