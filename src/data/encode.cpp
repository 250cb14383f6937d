#include "data/encode.h"

#include <fmt/format.h>
#include <spng.h>

#include <array>
#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <memory>

// It needs FILE before it.
#include <jpeglib.h>

#include "scatlight/error.h"

namespace scatlight::data {
namespace {

/// libjpeg's compressor of one file. Its errors become Error.
class Compressor {
 public:
  Compressor() {
    info_.err = jpeg_std_error(&errors_);
    info_.client_data = this;
    errors_.error_exit = [](j_common_ptr info) {
      auto& compressor = *static_cast<Compressor*>(info->client_data);
      compressor.errors_.format_message(info, compressor.reason_.data());
      std::longjmp(compressor.failed_, 1);
    };
  }
  ~Compressor() {
    jpeg_destroy_compress(&info_);
    std::free(bytes_);
  }
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;

  void compress(std::span<const std::uint8_t> pixels, int height, int width, int quality) {
    // No exception may pass through libjpeg's C, so its errors come back here.
    if (setjmp(failed_) != 0) {
      throw Error(fmt::format("cannot encode a {}x{} JPEG: {}", width, height, reason_.data()));
    }
    jpeg_create_compress(&info_);
    jpeg_mem_dest(&info_, &bytes_, &size_);
    info_.image_width = static_cast<JDIMENSION>(width);
    info_.image_height = static_cast<JDIMENSION>(height);
    info_.input_components = 3;
    info_.in_color_space = JCS_EXT_RGB;
    jpeg_set_defaults(&info_);
    jpeg_set_quality(&info_, quality, TRUE);
    info_.dct_method = JDCT_ISLOW;
    const int sampling = quality >= 90 ? 1 : 2;
    info_.comp_info[0].h_samp_factor = sampling;
    info_.comp_info[0].v_samp_factor = sampling;
    jpeg_start_compress(&info_, TRUE);
    while (info_.next_scanline < info_.image_height) {
      // libjpeg does not write to it.
      auto* row = const_cast<JSAMPLE*>(&pixels[std::size_t{3} * info_.image_width * info_.next_scanline]);
      jpeg_write_scanlines(&info_, &row, 1);
    }
    jpeg_finish_compress(&info_);
  }

  std::vector<std::uint8_t> result() const { return {bytes_, bytes_ + size_}; }

 private:
  jpeg_compress_struct info_ = {};
  jpeg_error_mgr errors_ = {};
  std::jmp_buf failed_ = {};
  std::array<char, JMSG_LENGTH_MAX> reason_ = {};
  unsigned char* bytes_ = nullptr;
  unsigned long size_ = 0;
};

}  // namespace

std::vector<std::uint8_t> encode_jpeg(std::span<const std::uint8_t> pixels, int height, int width,
                                      int quality) {
  Compressor encoder;
  encoder.compress(pixels, height, width, quality);
  return encoder.result();
}

std::vector<std::uint8_t> encode_png(std::span<const std::uint8_t> pixels, int height, int width) {
  const std::unique_ptr<spng_ctx, void (*)(spng_ctx*)> encoder(spng_ctx_new(SPNG_CTX_ENCODER), spng_ctx_free);
  const auto check = [&](int status) {
    if (status != 0)
      throw Error(fmt::format("cannot encode a {}x{} PNG: {}", width, height, spng_strerror(status)));
  };
  if (!encoder) throw Error("no PNG encoder: out of memory");
  check(spng_set_option(encoder.get(), SPNG_ENCODE_TO_BUFFER, 1));
  spng_ihdr header{};
  header.width = static_cast<std::uint32_t>(width);
  header.height = static_cast<std::uint32_t>(height);
  header.bit_depth = 8;
  header.color_type = SPNG_COLOR_TYPE_TRUECOLOR;
  check(spng_set_ihdr(encoder.get(), &header));
  check(spng_encode_image(encoder.get(), pixels.data(), pixels.size(), SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE));
  std::size_t size = 0;
  int status = 0;
  auto* bytes = static_cast<std::uint8_t*>(spng_get_png_buffer(encoder.get(), &size, &status));
  const std::unique_ptr<std::uint8_t, void (*)(void*)> owner(bytes, std::free);
  check(status);
  return {bytes, bytes + size};
}

}  // namespace scatlight::data
