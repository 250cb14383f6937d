#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

// It needs FILE before it.
#include <jpeglib.h>

#include "data/image.h"
#include "data/pictures.h"

namespace scatlight::test {

using Bytes = std::vector<std::uint8_t>;

/// The kinds of JPEG that encoders write.
struct JpegKind {
  int quality = 80;
  int sampling = 1;             ///< Of the first component, against the others.
  bool is_optimized = false;    ///< Huffman tables of its own.
  bool is_progressive = false;  ///< Several scans, each of some bits of some coefficients.
  bool is_interleaved = true;   ///< All components in one scan, else one scan each.
  bool is_arithmetic = false;
  int restart = 0;       ///< Blocks between restart marks.
  int components = 3;    ///< 1: the green channel as grey. 4: the picture's channels and its green as CMYK.
  bool has_jfif = true;  ///< Else libjpeg writes Adobe's segment, if any.
};

/// Encodes by libjpeg, which ends the program where it fails.
inline Bytes to_jpeg(const data::Image& image, const JpegKind& kind) {
  jpeg_compress_struct info = {};
  jpeg_error_mgr errors = {};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &bytes, &size);
  info.image_width = static_cast<JDIMENSION>(image.width);
  info.image_height = static_cast<JDIMENSION>(image.height);
  info.input_components = kind.components;
  info.in_color_space = kind.components == 1 ? JCS_GRAYSCALE : kind.components == 3 ? JCS_RGB : JCS_CMYK;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, kind.quality, TRUE);
  info.optimize_coding = kind.is_optimized ? TRUE : FALSE;
  info.arith_code = kind.is_arithmetic ? TRUE : FALSE;
  info.restart_interval = static_cast<unsigned>(kind.restart);
  info.comp_info[0].h_samp_factor = kind.sampling;
  info.comp_info[0].v_samp_factor = kind.sampling;
  if (kind.is_progressive) jpeg_simple_progression(&info);
  std::vector<jpeg_scan_info> scans;
  if (!kind.is_interleaved) {
    for (int i = 0; i < info.num_components; ++i) scans.push_back({1, {i}, 0, DCTSIZE2 - 1, 0, 0});
    info.scan_info = scans.data();
    info.num_scans = static_cast<int>(scans.size());
  }
  if (!kind.has_jfif) {
    info.write_JFIF_header = FALSE;
    info.write_Adobe_marker = TRUE;
  }
  jpeg_start_compress(&info, TRUE);
  Bytes row;
  for (int y = 0; y < image.height; ++y) {
    row.clear();
    for (int x = 0; x < image.width; ++x) {
      const auto* pixel = &image.rgb[3 * (static_cast<std::size_t>(y) * image.width + x)];
      if (kind.components >= 3) row.insert(row.end(), pixel, pixel + 3);
      if (kind.components != 3) row.push_back(pixel[1]);
    }
    auto* start = row.data();
    jpeg_write_scanlines(&info, &start, 1);
  }
  jpeg_finish_compress(&info);
  Bytes result(bytes, bytes + size);
  jpeg_destroy_compress(&info);
  std::free(bytes);
  return result;
}

/// Place of the first header segment of this kind, at its byte FF.
inline std::size_t find_segment(const Bytes& jpeg, std::uint8_t marker) {
  for (std::size_t at = 2; at + 3 < jpeg.size(); at += std::size_t{2} + jpeg[at + 2] * 256U + jpeg[at + 3]) {
    if (jpeg[at + 1] == marker) return at;
    if (jpeg[at + 1] == 0xDA) break;
  }
  ADD_FAILURE() << "no segment " << int{marker};
  return 2;
}

/// Place of the first byte of entropy codes.
inline std::size_t find_codes(const Bytes& jpeg) {
  const auto scan = find_segment(jpeg, 0xDA);
  return scan + 2 + jpeg[scan + 2] * 256U + jpeg[scan + 3];
}

/// Place of the next marker of this kind among entropy codes, at its byte FF.
inline std::size_t find_mark(const Bytes& jpeg, std::uint8_t marker, std::size_t start) {
  for (auto i = start; i + 1 < jpeg.size(); ++i) {
    if (jpeg[i] == 0xFF && jpeg[i + 1] == marker) return i;
  }
  ADD_FAILURE() << "no mark " << int{marker};
  return start;
}

/// Without all header segments of one kind.
inline Bytes without_segments(const Bytes& jpeg, std::uint8_t marker) {
  Bytes result = {jpeg[0], jpeg[1]};
  const auto codes = find_codes(jpeg);
  for (std::size_t at = 2; at < codes;) {
    const auto end = at + 2 + jpeg[at + 2] * 256U + jpeg[at + 3];
    if (jpeg[at + 1] != marker) result.insert(result.end(), &jpeg[at], &jpeg[end]);
    at = end;
  }
  result.insert(result.end(), &jpeg[codes], &jpeg[jpeg.size() - 1] + 1);
  return result;
}

inline Bytes with_bytes(Bytes jpeg, std::size_t place, const Bytes& more) {
  jpeg.insert(jpeg.begin() + static_cast<std::ptrdiff_t>(place), more.begin(), more.end());
  return jpeg;
}

inline Bytes segment(std::uint8_t marker, std::string_view content) {
  const auto length = content.size() + 2;
  const std::string text = {'\xFF', static_cast<char>(marker), static_cast<char>(length >> 8),
                            static_cast<char>(length)};
  return as_bytes(text + std::string(content));
}

inline Bytes first_bytes(const Bytes& bytes, std::size_t count) {
  return {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count)};
}

/// An EXIF record of one directory with one entry.
inline std::string exif_record(bool is_big_endian, int tag, int type, int count, int value) {
  const auto number = [&](int size, int n) {
    std::string bytes;
    for (int i = 0; i < size; ++i) {
      bytes += static_cast<char>(n >> 8 * (is_big_endian ? size - 1 - i : i));
    }
    return bytes;
  };
  return std::string("Exif\0\0", 6) + (is_big_endian ? "MM" : "II") + number(2, 42) + number(4, 8) +
         number(2, 1) + number(2, tag) + number(2, type) + number(4, count) +
         (type == 3 ? number(2, value) + number(2, 0) : number(4, value)) + number(4, 0);
}

/// A JPEG that is to be shown in this orientation, 1 to 8.
inline Bytes with_orientation(const Bytes& jpeg, int orientation) {
  return with_bytes(jpeg, 2, segment(0xE1, exif_record(false, 0x112, 3, 1, orientation)));
}

}  // namespace scatlight::test
