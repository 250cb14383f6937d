#include "data/webp.h"

#include <webp/decode.h>
#include <webp/demux.h>

#include <cstddef>
#include <memory>
#include <string_view>

#include "data/orientation.h"
#include "scatlight/error.h"

namespace scatlight::data {
namespace {

using Bytes = std::span<const std::uint8_t>;

/// The parts of a file; they point into its bytes.
class Container {
 public:
  explicit Container(Bytes bytes)
      : data_{bytes.data(), bytes.size()}, demuxer_(WebPDemux(&data_), WebPDemuxDelete) {
    if (!demuxer_) throw Error("it is a WebP that is cut or broken");
  }

  ImageSize size() const {
    return {.width = static_cast<int>(WebPDemuxGetI(demuxer_.get(), WEBP_FF_CANVAS_WIDTH)),
            .height = static_cast<int>(WebPDemuxGetI(demuxer_.get(), WEBP_FF_CANVAS_HEIGHT))};
  }

  /// Empty when there is none.
  Bytes record(const char* name) const {
    WebPChunkIterator chunk = {};
    if (WebPDemuxGetChunk(demuxer_.get(), name, 1, &chunk) == 0) return {};
    const Bytes content(chunk.chunk.bytes, chunk.chunk.size);
    WebPDemuxReleaseChunkIterator(&chunk);
    return content;
  }

  WebPIterator first_frame() const {
    WebPIterator frame = {};
    if (WebPDemuxGetFrame(demuxer_.get(), 1, &frame) == 0) throw Error("it is a WebP without a picture");
    WebPDemuxReleaseIterator(&frame);  // which keeps nothing that is used here
    return frame;
  }

 private:
  WebPData data_;
  std::unique_ptr<WebPDemuxer, decltype(&WebPDemuxDelete)> demuxer_;
};

void check(VP8StatusCode status) {
  switch (status) {
    case VP8_STATUS_OK:
      return;
    case VP8_STATUS_OUT_OF_MEMORY:
      throw Error("no memory for a WebP decoder");
    case VP8_STATUS_NOT_ENOUGH_DATA:
    case VP8_STATUS_SUSPENDED:
      throw Error("its WebP data end too early");
    default:
      throw Error("its WebP data are broken");
  }
}

}  // namespace

bool is_webp(Bytes bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return text.size() >= 12 && text.starts_with("RIFF") && text.substr(8, 4) == "WEBP";
}

PictureHeader read_webp_header(Bytes bytes) {
  const Container file(bytes);
  const auto xmp = file.record("XMP ");
  return {.stored = file.size(),
          .orientation =
              read_orientation(file.record("EXIF"), {reinterpret_cast<const char*>(xmp.data()), xmp.size()})};
}

Image decode_webp(Bytes bytes) {
  const Container file(bytes);
  const auto frame = file.first_frame();
  const auto canvas = file.size();
  Image image{.width = canvas.width, .height = canvas.height};
  const auto row = 3 * static_cast<std::size_t>(canvas.width);
  image.rgb.resize(row * static_cast<std::size_t>(canvas.height));

  WebPDecoderConfig config;
  if (WebPInitDecoderConfig(&config) == 0) throw Error("another version of libwebp than this was built with");
  check(WebPGetFeatures(frame.fragment.bytes, frame.fragment.size, &config.input));
  if (frame.x_offset + config.input.width > canvas.width ||
      frame.y_offset + config.input.height > canvas.height) {
    throw Error("its WebP frame does not lie within its canvas");
  }
  const auto start =
      row * static_cast<std::size_t>(frame.y_offset) + 3 * static_cast<std::size_t>(frame.x_offset);
  config.output.colorspace = MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA = {
      .rgba = image.rgb.data() + start, .stride = static_cast<int>(row), .size = image.rgb.size() - start};
  check(WebPDecode(frame.fragment.bytes, frame.fragment.size, &config));
  return image;
}

}  // namespace scatlight::data
