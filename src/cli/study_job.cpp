#include "cli/study_job.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <span>

#include "analysis/blobs.h"
#include "analysis/conditioning.h"
#include "analysis/energy.h"
#include "analysis/energy_picture.h"
#include "analysis/filter_picture.h"
#include "analysis/frame.h"
#include "analysis/frame_search.h"
#include "analysis/translation.h"
#include "cli/image_flags.h"
#include "cli/option_flags.h"
#include "data/dead_leaves.h"
#include "data/decode.h"
#include "data/encode.h"
#include "data/resize.h"
#include "io/atomic_file.h"
#include "io/display.h"
#include "io/interrupt.h"
#include "io/progress.h"
#include "scatlight/error.h"
#include "scatlight/reconstruction.h"

namespace scatlight::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr int directions = 8;
constexpr double shift_lengths[] = {0.25, 0.5, 1, 2, 4, 8};

/// A square plane of luminance in [0, 1].
struct StudyImage {
  std::string name;
  std::vector<double> samples;  ///< (size, size)
};

// ---- images ----

/// The luma of ITU-R BT.601, as JPEG's.
std::vector<double> luminance(std::span<const std::uint8_t> rgb) {
  std::vector<double> samples;
  for (std::size_t i = 0; i + 2 < rgb.size(); i += 3)
    samples.push_back((0.299 * rgb[i] + 0.587 * rgb[i + 1] + 0.114 * rgb[i + 2]) / 255);
  return samples;
}

StudyImage read_image(const fs::path& file, const StudyJob& job) {
  const auto image = data::decode_file(file);
  check_large_enough({.width = image.width, .height = image.height}, job.scattering, file);
  return {.name = file.native(), .samples = luminance(data::resize_centre_square(image, job.size).rgb)};
}

std::vector<StudyImage> read_images(const StudyJob& job) {
  std::vector<StudyImage> images;
  for (const auto& file : list_inputs(job.inputs)) images.push_back(read_image(file, job));
  if (!job.inputs.empty()) return images;
  for (const auto kind : {data::Kind::Discs, data::Kind::Stripes, data::Kind::Stars}) {
    const auto name = data::kind_names()[static_cast<std::size_t>(kind)];
    images.push_back({.name = fmt::format("drawn {}", name),
                      .samples = luminance(data::draw_dead_leaves(kind, job.size, 0))});
  }
  return images;
}

// ---- the parts of the study ----

void write_picture(const fs::path& folder, const char* name, const analysis::Picture& picture) {
  const auto png = data::encode_png(picture.rgb, picture.height, picture.width);
  io::write_file(folder / name, std::as_bytes(std::span(png)));
}

Json describe(const analysis::FrameBounds& bounds) {
  return {{"lower", bounds.lower}, {"upper", bounds.upper}, {"epsilon_0", bounds.epsilon()}};
}

Json study_frame(const StudyJob& job) {
  const auto sum = analysis::littlewood_paley(job.scattering);
  const double gain = analysis::best_gain(sum);
  const auto curve = analysis::radial_curve(sum, std::max(1, job.size / 4));
  write_picture(job.out, "frame.png", analysis::draw_frame(sum));
  Json best = {{"gain_of_psi", gain}};
  best.update(describe(analysis::real_bounds(sum, gain)));
  return {{"symmetrised_sum", describe(analysis::real_bounds(sum))},
          {"symmetrised_sum_at_best_gain", best},
          {"printed_one_sided_sum", describe(analysis::printed_bounds(sum))},
          {"symmetrised_sum_by_radius",
           {{"radius", curve.radius},
            {"lowest", curve.lowest},
            {"mean", curve.mean},
            {"highest", curve.highest}}}};
}

Json study_frame_by_scales(const StudyJob& job) {
  Json json = Json::array();
  for (int scales = 1; scales <= job.max_scales; ++scales) {
    auto options = job.scattering;
    options.scales = scales;
    Json row = {{"scales", scales}};
    row.update(describe(analysis::real_bounds(analysis::littlewood_paley(options))));
    json.push_back(row);
  }
  return json;
}

Json describe(const analysis::FoundFrame& found) {
  const auto bounds = analysis::real_bounds(analysis::littlewood_paley(found.options), found.gain);
  Json json = {{"sigma", found.options.sigma},
               {"center_frequency", found.options.center_frequency},
               {"slant", found.options.slant},
               {"gain_of_psi", found.gain}};
  json.update(describe(bounds));
  json["evaluations"] = found.evaluations;
  return json;
}

Json study_search(const StudyJob& job, const std::function<void()>& advance) {
  const auto plain = analysis::search_frame(job.scattering, /*with_gain=*/false, advance);
  const auto scaled = analysis::search_frame(job.scattering, /*with_gain=*/true, advance);
  write_picture(job.out, "frame_found.png", analysis::draw_frame(analysis::littlewood_paley(plain.options)));
  return {{"symmetrised_sum", describe(plain)}, {"symmetrised_sum_with_gain", describe(scaled)}};
}

Json describe(const analysis::TightestShift& row) {
  return {{"scale", row.scale},           {"shift", row.length},  {"left", row.change},
          {"right", row.bound.value},     {"ratio", row.ratio()}, {"eta_0", row.bound.eta},
          {"epsilon", row.bound.epsilon}, {"angle", row.angle},   {"direction", row.direction}};
}

Json study_signal(const std::string& name, const analysis::PeriodicBank& bank, const ComplexPlane* spectrum) {
  const auto table = analysis::translation_table(
      bank, spectrum, {std::begin(shift_lengths), std::end(shift_lengths)}, directions);
  const auto tightest = std::ranges::max_element(table, {}, &analysis::TightestShift::ratio);
  Json json = {{"signal", name}, {"tightest", describe(*tightest)}, {"table", Json::array()}};
  for (const auto& row : table) json["table"].push_back(describe(row));
  return json;
}

Json study_translation(const StudyJob& job, const std::vector<StudyImage>& images,
                       const std::function<void()>& advance) {
  const analysis::PeriodicBank bank(job.scattering);
  Json json = {
      {"left", "||x_a * psi - exp(-i w0.a) x * psi|| / ||x||, the tightest of all angles and directions"},
      {"right", "sqrt(4 epsilon^2 + (max|psi^| |a| eta_0)^2), the least over eta_0"},
      {"signals", Json::array()}};
  ComplexPlane dirac{job.size, job.size, {}};
  dirac.values.assign(static_cast<std::size_t>(job.size) * job.size, 1.0);
  json["signals"].push_back(study_signal("worst of all signals", bank, nullptr));
  advance();
  json["signals"].push_back(study_signal("dirac", bank, &dirac));
  advance();
  for (const auto& image : images) {
    const auto spectrum = analysis::spectrum_of(image.samples, job.size, job.size);
    json["signals"].push_back(study_signal(image.name, bank, &spectrum));
    advance();
  }
  const auto orders = analysis::dirac_orders(job.scattering, job.scattering.scales - 1);
  json["dirac_order_in_shift_gabor"] = {{"of_norm", orders.of_norm}, {"at_its_sample", orders.at_sample}};
  return json;
}

struct NamedBlob {
  double length;  ///< Deviations in samples.
  double thickness;
  double direction;
  analysis::Matrix2 sigma() const { return analysis::line_blob(length, thickness, direction); }
};

/// Round ones of growing width and a line at several angles. The widest reaches 1e-10 of its peak at the edge
/// of the grid; a deviation of two samples is the least whose spectrum ends within the grid's.
std::vector<NamedBlob> blobs_for(int size) {
  std::vector<NamedBlob> blobs;
  const double widest = size / 14.0;
  for (int deviation = 2; deviation <= widest; deviation *= 2) {
    const double both = deviation;
    blobs.push_back({both, both, 0});
  }
  for (const double direction : {0.0, 0.125, 0.25, 0.5})
    blobs.push_back({std::max(widest, 2.0), 2, direction * std::numbers::pi});
  return blobs;
}

int blob_count(int size) { return static_cast<int>(blobs_for(size).size()); }

Json study_blob(const StudyJob& job, const NamedBlob& blob) {
  const auto errors = analysis::compare_blob(job.scattering, blob.sigma());
  Json json = {{"length", blob.length},
               {"thickness", blob.thickness},
               {"direction", blob.direction},
               {"order_0_error", errors.order0},
               {"order_1", Json::array()}};
  for (std::size_t j = 0; j < errors.scales.size(); ++j) {
    const auto& scale = errors.scales[j];
    json["order_1"].push_back({{"scale", j},
                               {"error", scale.transform},
                               {"error_with_unsampled_wavelets", scale.unsampled},
                               {"smallest_constant", scale.smallest_constant},
                               {"largest_constant", scale.largest_constant},
                               {"error_of_constant", scale.constant},
                               {"residual_of_proportionality", scale.residual}});
  }
  return json;
}

Json study_blobs(const StudyJob& job, const std::function<void()>& advance) {
  Json json = {
      {"wavelet", "gabor"},
      {"error", "largest difference from the closed form over the map's largest value, the worst angle"},
      {"constant", "|x * psi| = exp(-kappa) x * |psi|, kappa = xi.(Sigma^-1 + P^-1)^-1 xi"},
      {"blobs", Json::array()}};
  std::vector<analysis::Matrix2> sigmas;
  for (const auto& blob : blobs_for(job.size)) {
    json["blobs"].push_back(study_blob(job, blob));
    sigmas.push_back(blob.sigma());
    advance();
  }
  write_picture(job.out, "blobs.png", analysis::draw_blobs(sigmas, job.size, job.size));
  return json;
}

// The paper's figure 2: blobs and lines, and what is found again of them at J and at J + 1.
Json study_reconstruction(const StudyJob& job, const std::function<void()>& advance) {
  const auto blobs = blobs_for(job.size);
  const int shown = job.size / 2;  // of each side, in the middle
  constexpr int gap = 8;
  analysis::Picture picture(3 * (shown + gap) - gap, static_cast<int>(blobs.size()) * (shown + gap) - gap);
  Json json = Json::array();
  for (std::size_t column = 0; column < blobs.size(); ++column) {
    const auto& blob = blobs[column];
    const auto samples = analysis::draw_blob(blob.sigma(), job.size, job.size);
    const double peak = std::ranges::max(samples);
    std::vector<float> original;
    original.reserve(samples.size());
    for (const double sample : samples) original.push_back(static_cast<float>(sample / peak));
    const auto show = [&](const std::vector<float>& image, int row) {
      const int first = (job.size - shown) / 2;
      const auto color_at = [&](int y, int x) {
        return analysis::grey_level(image[static_cast<std::size_t>(first + y) * job.size + first + x]);
      };
      picture.paste(analysis::draw_plane(shown, color_at), row * (shown + gap),
                    static_cast<int>(column) * (shown + gap));
    };
    show(original, 0);
    for (int coarser = 0; coarser < 2; ++coarser) {
      auto options = job.scattering;
      options.scales += coarser;
      advance();
      if (1 << options.scales > job.size) continue;  // nothing would be left
      const Scattering plan(options);
      std::vector<float> features(plan.paths().size() * plan.output_height() * plan.output_width());
      plan.forward(std::span<const float>(original), std::span(features));
      const auto found = reconstruct(plan, features);
      double square = 0;
      for (std::size_t i = 0; i < original.size(); ++i)
        square += std::pow(static_cast<double>(found.image[i]) - original[i], 2);
      json.push_back({{"length", blob.length},
                      {"thickness", blob.thickness},
                      {"direction", blob.direction},
                      {"scales", options.scales},
                      {"psnr_db", -10 * std::log10(square / static_cast<double>(original.size()))},
                      {"relative_error", found.relative_error}});
      show(found.image, 1 + coarser);
    }
  }
  write_picture(job.out, "blobs_reconstructed.png", picture);
  return json;
}

Json study_conditioning(const StudyJob& job, const std::function<void()>& advance) {
  Json json = Json::array();
  for (const auto& row : analysis::conditioning(job.scattering, job.max_scales, advance)) {
    json.push_back({{"scales", row.scales},
                    {"log10_condition_before_subsampling", row.log10_condition},
                    {"share_seen_after_subsampling", row.seen},
                    {"coefficients_per_pixel", row.coefficients}});
  }
  return json;
}

Json describe(const analysis::EnergyKept& kept) {
  return {{"order_0", kept.order[0]},
          {"order_1", kept.order[1]},
          {"order_2", kept.order[2]},
          {"sum", kept.sum()}};
}

/// One image's shares, of its energy and of its variance, that is without its mean: most of a photograph's
/// energy is its mean, which order 0 always keeps.
struct ImageEnergy {
  std::string name;
  std::vector<analysis::EnergyKept> of_energy;
  std::vector<analysis::EnergyKept> of_variance;  ///< Empty for a picture of one colour.
};

ImageEnergy measure_energy(const StudyJob& job, const StudyImage& image) {
  auto centred = image.samples;
  double mean = 0;
  for (const double sample : centred) mean += sample / static_cast<double>(centred.size());
  for (double& sample : centred) sample -= mean;
  const auto [lowest, highest] = std::ranges::minmax(image.samples);
  ImageEnergy energy{.name = image.name, .of_energy = {}, .of_variance = {}};
  energy.of_energy = analysis::energy_kept(job.scattering, image.samples, job.max_scales);
  if (highest > lowest) energy.of_variance = analysis::energy_kept(job.scattering, centred, job.max_scales);
  return energy;
}

Json describe(const ImageEnergy& energy) {
  Json json = {{"image", energy.name}, {"by_scales", Json::array()}};
  for (std::size_t i = 0; i < energy.of_energy.size(); ++i) {
    json["by_scales"].push_back(
        {{"scales", energy.of_energy[i].scales},
         {"of_energy", describe(energy.of_energy[i])},
         {"of_variance", energy.of_variance.empty() ? Json(nullptr) : describe(energy.of_variance[i])}});
  }
  return json;
}

Json study_energy(const StudyJob& job, const std::vector<StudyImage>& images,
                  const std::function<void()>& advance) {
  Json json = Json::array();
  std::vector<std::vector<analysis::EnergyKept>> of_variance;
  for (const auto& image : images) {
    auto energy = measure_energy(job, image);
    json.push_back(describe(energy));
    if (!energy.of_variance.empty()) of_variance.push_back(std::move(energy.of_variance));
    advance();
  }
  if (!of_variance.empty()) write_picture(job.out, "energy.png", analysis::draw_energy(of_variance));
  return json;
}

Json study_compression(const StudyJob& job) {
  Json json = Json::array();
  for (int scales = 1; scales <= job.max_scales; ++scales) {
    for (const int angles : {4, 6, 8, 12, 16}) {
      json.push_back({{"scales", scales},
                      {"angles", angles},
                      {"order_1", analysis::coefficients_per_pixel(scales, angles, 1)},
                      {"orders_1_and_2", analysis::coefficients_per_pixel(scales, angles, 2)}});
    }
  }
  return json;
}

Json describe(const StudyJob& job) {
  auto options = describe_options(job.scattering, OptionRole::Filters);
  options.update({{"size", job.size}, {"max_scales", job.max_scales}, {"search", job.search}});
  return options;
}

}  // namespace

Json run_study(const StudyJob& given) {
  auto job = given;
  job.scattering.height = job.scattering.width = job.size;
  job.scattering.threads = 1;
  Json json = {{"scatlight", SCATLIGHT_VERSION}, {"command", "study"}, {"options", describe(job)}};
  const auto images = read_images(job);
  json["images"] = Json::array();
  for (const auto& image : images) json["images"].push_back(image.name);
  io::make_folder_for(job.out / "study.json");

  const auto image_count = static_cast<int>(images.size());
  const int steps = 2 + 2 * image_count + 2 + 3 * blob_count(job.size) + job.max_scales +
                    (job.search ? 2 * analysis::frame_search_starts() : 0);
  io::Progress progress("study", steps, "steps");
  const io::StopOnSignal stop_on_signal;
  const auto advance = [&] {
    progress.advance();
    io::StopOnSignal::check();
  };

  json["frame_bounds"] = study_frame(job);
  json["frame_bounds"]["symmetrised_sum_by_scales"] = study_frame_by_scales(job);
  advance();
  if (job.search) json["search"] = study_search(job, advance);
  {
    const analysis::PeriodicBank bank(job.scattering);
    write_picture(job.out, "filters_space.png", analysis::draw_filters_in_space(bank));
    write_picture(job.out, "filters_frequency.png", analysis::draw_filters_in_frequency(bank));
  }
  advance();
  json["proposition_1"] = study_translation(job, images, advance);
  json["proposition_2"] = study_blobs(job, advance);
  json["reconstruction"] = study_reconstruction(job, advance);
  json["conditioning"] = study_conditioning(job, advance);
  json["energy_kept"] = study_energy(job, images, advance);
  json["coefficients_per_pixel"] = study_compression(job);
  io::write_file(job.out / "study.json", json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
  progress.finish();
  return json;
}

}  // namespace scatlight::cli
