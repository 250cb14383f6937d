#include "data/encode.h"

#include <fmt/format.h>
#include <spng.h>
#include <turbojpeg.h>

#include <cstdlib>
#include <memory>

#include "scatlight/error.h"

namespace scatlight::data {

std::vector<std::uint8_t> encode_jpeg(std::span<const std::uint8_t> pixels, int height, int width,
                                      int quality) {
  const std::unique_ptr<void, int (*)(tjhandle)> encoder(tjInitCompress(), tjDestroy);
  if (!encoder) throw Error("no JPEG encoder: out of memory");
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  const int subsampling = quality >= 90 ? TJSAMP_444 : TJSAMP_420;
  const int status = tjCompress2(encoder.get(), pixels.data(), width, 0, height, TJPF_RGB, &bytes, &size,
                                 subsampling, quality, TJFLAG_ACCURATEDCT);
  const std::unique_ptr<unsigned char, void (*)(unsigned char*)> owner(bytes, tjFree);
  if (status != 0) {
    throw Error(fmt::format("cannot encode a {}x{} JPEG: {}", width, height, tjGetErrorStr2(encoder.get())));
  }
  return {bytes, bytes + size};
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
