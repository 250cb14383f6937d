#include "data/jpeg.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <string_view>
#include <vector>

// These need FILE before them.
#include <jerror.h>
#include <jpeglib.h>

#include "data/orientation.h"
#include "scatlight/error.h"

namespace scatlight::data {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr int records_marker = JPEG_APP0 + 1;  // of EXIF and XMP

/// libjpeg's decompressor of one file, at its header or at its pixels. Its errors become Error.
class Decompressor {
 public:
  explicit Decompressor(Bytes bytes) {
    info_.err = jpeg_std_error(&errors_);
    info_.client_data = this;
    errors_.error_exit = [](j_common_ptr info) { of(info).leave(); };
    errors_.emit_message = [](j_common_ptr info, int level) {
      if (level < 0) of(info).judge_warning();
    };
    run([&] {
      jpeg_create_decompress(&info_);
      jpeg_mem_src(&info_, bytes.data(), bytes.size());
    });
    progress_.progress_monitor = [](j_common_ptr info) { of(info).limit_scans(); };
    info_.progress = &progress_;
  }
  ~Decompressor() { jpeg_destroy_decompress(&info_); }
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;

  void keep_records() {
    run([&] { jpeg_save_markers(&info_, records_marker, 0xFFFF); });
  }
  void read_header() {
    run([&] { jpeg_read_header(&info_, TRUE); });
  }

  void start(J_COLOR_SPACE colours, int reduction) {
    info_.out_color_space = colours;
    info_.scale_num = 1;
    info_.scale_denom = static_cast<unsigned>(reduction);
    is_at_pixels_ = true;
    run([&] { jpeg_start_decompress(&info_); });
    check_scans();
  }
  /// The next rows, as many as there is room for.
  void read_rows(std::span<JSAMPROW> rows) {
    run([&] {
      for (std::size_t done = 0; done < rows.size();) {
        done += jpeg_read_scanlines(&info_, &rows[done], static_cast<JDIMENSION>(rows.size() - done));
      }
    });
  }

  const jpeg_decompress_struct& info() const { return info_; }

 private:
  static Decompressor& of(j_common_ptr info) { return *static_cast<Decompressor*>(info->client_data); }

  /// Runs C code that comes back here when it fails, because no exception may pass through it. `step` must
  /// hold nothing that has a destructor.
  template <class Step>
  void run(const Step& step) {
    if (setjmp(failed_) != 0) throw Error(reason_.data());
    step();
  }

  [[noreturn]] void leave() {
    errors_.format_message(reinterpret_cast<j_common_ptr>(&info_), reason_.data());
    std::longjmp(failed_, 1);
  }
  [[noreturn]] void leave(std::string_view reason) {
    reason_[reason.copy(reason_.data(), reason_.size() - 1)] = '\0';
    std::longjmp(failed_, 1);
  }

  /// Every warning is judged: libjpeg itself reports only the first, which may hide a worse one.
  void judge_warning() {
    switch (errors_.msg_code) {
      case JWRN_ADOBE_XFORM:
      case JWRN_JFIF_MAJOR:
      case JWRN_NOT_SEQUENTIAL:
        return;
      case JWRN_EXTRANEOUS_DATA:
        // Within a scan these are codes before a restart mark, which no block has taken up.
        if (is_within_scan()) leave();
        return;
      case JWRN_JPEG_EOF:
        if (!is_at_pixels_) leave("it ends within its JPEG header");
        // A Huffman decoder reads ahead, and warns again when it lacks bits. An arithmetic one does not.
        if (is_within_scan() && info_.arith_code) leave();
        has_ended_ = true;
        return;
      default:
        leave();
    }
  }

  bool is_within_scan() const { return is_at_pixels_ && info_.input_iMCU_row < info_.total_iMCU_rows; }

  /// A small file may hold a great many scans of a large picture, each of which takes as long as the first.
  void limit_scans() {
    constexpr int most_scans = 500;
    if (info_.input_scan_number > most_scans) leave("it has more than 500 scans");
  }

  /// Looks for scans that are lacking, in a file of several, which has been read to its end by now.
  void check_scans() {
    if (!jpeg_has_multiple_scans(&info_)) return;
    const std::span components(info_.comp_info, static_cast<std::size_t>(info_.num_components));
    const bool has_all_components = std::ranges::all_of(
        components, [](const auto& component) { return component.quant_table != nullptr; });
    if (!has_all_components) throw Error("it has no scan of one of its colour components");
    // An encoder may leave out the last refinements, but then it sets an end mark.
    if (has_ended_ && info_.progressive_mode && !has_all_coefficients()) {
      throw Error("Premature end of JPEG file");
    }
  }

  bool has_all_coefficients() const {
    for (int component = 0; component < info_.num_components; ++component) {
      // For each coefficient, the bits not known yet, or -1.
      const auto& missing = info_.coef_bits[component];
      if (std::ranges::any_of(missing, [](int bits) { return bits != 0; })) return false;
    }
    return true;
  }

  jpeg_decompress_struct info_ = {};
  jpeg_error_mgr errors_ = {};
  jpeg_progress_mgr progress_ = {};
  std::jmp_buf failed_ = {};
  std::array<char, JMSG_LENGTH_MAX> reason_ = {};
  bool is_at_pixels_ = false;
  bool has_ended_ = false;
};

/// Pillow's arithmetic, exactly. JPEG files hold inverted inks, by Adobe's convention.
void convert_inverted_cmyk(Bytes cmyk, std::span<std::uint8_t> rgb) {
  for (std::size_t i = 0, pixels = rgb.size() / 3; i < pixels; ++i) {
    const int paper = cmyk[4 * i + 3];
    for (std::size_t c = 0; c < 3; ++c) {
      const int product = (255 - cmyk[4 * i + c]) * paper + 128;
      rgb[3 * i + c] =
          static_cast<std::uint8_t>(std::clamp(paper - ((product >> 8) + product) / 256, 0, 255));
    }
  }
}

int orientation_of(const jpeg_decompress_struct& info) {
  constexpr std::string_view exif_mark{"Exif\0\0", 6};
  constexpr std::string_view xmp_mark{"http://ns.adobe.com/xap/1.0/\0", 29};
  std::vector<std::uint8_t> exif;  // may be split over several segments
  std::string_view xmp;
  for (const auto* segment = info.marker_list; segment != nullptr; segment = segment->next) {
    const std::string_view text(reinterpret_cast<const char*>(segment->data), segment->data_length);
    if (text.starts_with(exif_mark)) {
      exif.insert(exif.end(), text.begin() + exif_mark.size(), text.end());
    } else if (text.starts_with(xmp_mark)) {
      xmp = text.substr(xmp_mark.size());
    }
  }
  return read_orientation(exif, xmp);
}

/// Each 8 x 8 block takes a bit at the very least (arithmetic codes may take less), so a file that claims a
/// size which its bytes cannot fill is known before memory is taken.
void check_length(const jpeg_decompress_struct& info, Bytes bytes) {
  const std::uint64_t blocks =
      (std::uint64_t{info.image_width} + 7) / 8 * ((std::uint64_t{info.image_height} + 7) / 8);
  if (!info.arith_code && blocks / 8 > bytes.size()) {
    throw Error(fmt::format("truncated: a JPEG of {} x {} pixels does not fit into {} bytes",
                            info.image_width, info.image_height, bytes.size()));
  }
}

}  // namespace

bool is_jpeg(Bytes bytes) {
  return bytes.size() >= 3 && bytes[0] == 0xFF && bytes[1] == 0xD8 && bytes[2] == 0xFF;
}

PictureHeader read_jpeg_header(Bytes bytes) {
  Decompressor file(bytes);
  file.keep_records();
  file.read_header();
  const auto& info = file.info();
  return {
      .stored = {.width = static_cast<int>(info.image_width), .height = static_cast<int>(info.image_height)},
      .orientation = orientation_of(info)};
}

Image decode_jpeg(Bytes bytes, int reduction) {
  Decompressor file(bytes);
  file.read_header();
  check_length(file.info(), bytes);
  const bool is_cmyk = file.info().num_components == 4;
  file.start(is_cmyk ? JCS_CMYK : JCS_EXT_RGB, reduction);
  Image image{.width = static_cast<int>(file.info().output_width),
              .height = static_cast<int>(file.info().output_height)};
  const auto width = static_cast<std::size_t>(image.width);
  const auto height = static_cast<std::size_t>(image.height);
  image.rgb.resize(3 * width * height);
  std::vector<JSAMPROW> rows(height);
  for (std::size_t y = 0; y < height; ++y) rows[y] = &image.rgb[3 * width * y];
  if (!is_cmyk) {
    file.read_rows(rows);
    return image;
  }
  std::vector<std::uint8_t> inks(4 * width);
  std::array<JSAMPROW, 1> row_of_inks = {inks.data()};
  for (auto* row : rows) {
    file.read_rows(row_of_inks);
    convert_inverted_cmyk(inks, {row, 3 * width});
  }
  return image;
}

}  // namespace scatlight::data
