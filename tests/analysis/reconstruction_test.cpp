#include "scatlight/reconstruction.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "analysis/lbfgs.h"
#include "cpu/plane_filter.h"
#include "support/expect_error.h"

namespace scatlight {
namespace {

// Edges, a smooth part and a texture; channels that resemble each other. (channels, height, width), 0 to 1.
std::vector<float> picture(int channels, int height, int width) {
  std::vector<float> image;
  for (int channel = 0; channel < channels; ++channel) {
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        const bool is_disk = std::hypot(y - 0.4 * height, x - 0.6 * width) < 0.25 * height;
        const double wave = 0.1 * std::sin(0.9 * x + 0.4 * y) * (x > width / 2);
        const double value = 0.3 + 0.2 * y / height + (is_disk ? 0.3 - 0.1 * channel : 0) + wave;
        image.push_back(static_cast<float>(value));
      }
    }
  }
  return image;
}

std::vector<float> scattering_of(const Scattering& plan, const std::vector<float>& image) {
  const std::size_t plane = static_cast<std::size_t>(plan.options().height) * plan.options().width;
  std::vector<float> features(image.size() / plane * plan.paths().size() * plan.output_height() *
                              plan.output_width());
  plan.forward(std::span<const float>(image), std::span(features));
  return features;
}

double psnr(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::pow(static_cast<double>(a[i]) - b[i], 2);
  return -10 * std::log10(sum / static_cast<double>(a.size()));
}

TEST(Reconstruction, FindsThePictureAgain) {
  const Scattering plan({.height = 64, .width = 80, .scales = 2});
  const auto image = picture(3, 64, 80);
  const auto found = reconstruct(plan, scattering_of(plan, image));
  fmt::print("  {:.1f} dB, error {:.2e} after {} evaluations\n", psnr(found.image, image),
             found.relative_error, found.errors.size());
  EXPECT_GT(psnr(found.image, image), 38);
  EXPECT_LT(found.relative_error, 2e-3);
  EXPECT_LE(found.errors.size(), static_cast<std::size_t>(default_evaluations(Solver::CoarseToFine)));
}

TEST(Reconstruction, PapersRecipeStopsAtItsTolerance) {
  const Scattering plan({.height = 40, .width = 40, .scales = 1});
  const auto features = scattering_of(plan, picture(1, 40, 40));
  const auto found = reconstruct(plan, features, {.solver = Solver::Paper, .pixel_range = 1});
  EXPECT_LE(found.relative_error, 2e-3);
  EXPECT_LT(found.errors.size(), 1000U);
  EXPECT_GT(found.errors[found.errors.size() - 2], 2e-3);
}

// Whatever the unit of the samples is.
TEST(Reconstruction, DoesNotDependOnTheScaleOfSamples) {
  const Scattering plan({.height = 48, .width = 48, .scales = 2});
  const auto image = picture(2, 48, 48);
  auto bright = image;
  for (float& sample : bright) sample *= 256;
  const auto found = reconstruct(plan, scattering_of(plan, image));
  auto of_bright = reconstruct(plan, scattering_of(plan, bright)).image;
  for (float& sample : of_bright) sample /= 256;
  EXPECT_EQ(of_bright, found.image);
}

TEST(Reconstruction, ConstantAndBlackImages) {
  const Scattering plan({.height = 32, .width = 40, .scales = 3});
  const std::vector<float> grey(2 * 32 * 40, 0.5F);
  const auto found = reconstruct(plan, scattering_of(plan, grey));
  EXPECT_GT(psnr(found.image, grey), 60);
  const std::vector<float> black(32 * 40, 0.0F);
  EXPECT_EQ(reconstruct(plan, scattering_of(plan, black)).image, black);
  // One channel is black.
  auto mixed = picture(2, 32, 40);
  std::fill(mixed.begin() + 32 * 40, mixed.end(), 0.0F);
  for (float sample : reconstruct(plan, scattering_of(plan, mixed)).image) ASSERT_TRUE(std::isfinite(sample));
}

// Odd sizes, the smallest one, a single output sample, a denser output, order 2, other boundaries.
TEST(Reconstruction, AnyPlan) {
  for (const ScatteringOptions& options : std::initializer_list<ScatteringOptions>{
           {.height = 33, .width = 47, .scales = 2},
           {.height = 2, .width = 3, .scales = 1},
           {.height = 16, .width = 17, .scales = 4},
           {.height = 40, .width = 40, .scales = 3, .stride = 2},
           {.height = 40, .width = 32, .scales = 2, .angles = 5, .max_order = 2},
           {.height = 40, .width = 32, .scales = 3, .boundary = Boundary::Periodic}}) {
    const Scattering plan(options);
    const auto image = picture(1, options.height, options.width);
    const auto found = reconstruct(plan, scattering_of(plan, image), {.evaluations = 60});
    fmt::print("  {} x {}, J = {}: {:.1f} dB, error {:.2e}\n", options.height, options.width, options.scales,
               psnr(found.image, image), found.relative_error);
    EXPECT_LT(found.relative_error, 0.02);
  }
}

TEST(Reconstruction, StopsWhenAskedTo) {
  const Scattering plan({.height = 32, .width = 32, .scales = 2});
  const auto features = scattering_of(plan, picture(1, 32, 32));
  for (const Solver solver : {Solver::CoarseToFine, Solver::Paper}) {
    int calls = 0;
    const auto stop = [&](const ReconstructionStep& step) {
      EXPECT_EQ(step.evaluations, ++calls);
      EXPECT_EQ(step.image.size(), 32U * 32);
      return calls < 7;
    };
    const auto found = reconstruct(plan, features, {.solver = solver, .on_step = stop});
    EXPECT_EQ(found.errors.size(), 7U);
    for (float sample : found.image) ASSERT_TRUE(std::isfinite(sample));
  }
}

TEST(Reconstruction, RefusesWhatIsNoScattering) {
  const Scattering plan({.height = 32, .width = 32, .scales = 2});
  std::vector<float> features = scattering_of(plan, picture(1, 32, 32));
  const auto of = [&](const std::vector<float>& values, const ReconstructionOptions& options = {}) {
    return [&plan, values, options] { reconstruct(plan, values, options); };
  };
  test::expect_error(of({features.begin(), features.end() - 1}), "17 x 8 x 8");
  test::expect_error(of({}), "17 x 8 x 8");
  test::expect_error(of(features, {.evaluations = -1}), "negative");
  test::expect_error(of(features, {.tolerance = std::nan("")}), "negative");
  features[5] = std::numeric_limits<float>::infinity();
  test::expect_error(of(features), "not finite");
}

// f = (x - c)^T A (x - c) / 2 with eigenvalues from 1 to 1000.
TEST(Lbfgs, SolvesAQuadraticProblem) {
  constexpr std::size_t size = 40;
  const auto eigenvalue = [](std::size_t i) {
    return static_cast<float>(std::pow(1000.0, i / (size - 1.0)));
  };
  int evaluations = 0;
  const auto objective = [&](std::span<const float> x, std::span<float> gradient) {
    ++evaluations;
    double value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      gradient[i] = eigenvalue(i) * (x[i] - 1);
      value += 0.5 * gradient[i] * (x[i] - 1);
    }
    return value;
  };
  const auto error_after = [&](int most, const analysis::Preconditioner& preconditioner) {
    analysis::Lbfgs solver(size, objective, preconditioner);
    evaluations = 0;
    solver.run(most);
    EXPECT_LE(evaluations, most);
    double worst = 0;
    for (const float value : solver.point()) worst = std::max(worst, std::abs(value - 1.0));
    return worst;
  };
  EXPECT_LT(error_after(300, [](std::span<float>) {}), 1e-3);
  // The exact inverse needs one step, and a second one where the first was too short.
  EXPECT_LT(error_after(8,
                        [&](std::span<float> vector) {
                          for (std::size_t i = 0; i < size; ++i) vector[i] /= eigenvalue(i);
                        }),
            1e-5);
}

TEST(PlaneFilters, MultiplyWavesByTheResponse) {
  for (const auto& [height, width] : {std::pair{32, 40}, std::pair{90, 64}, std::pair{6, 6}}) {
    cpu::PlaneFilters filters(height, width);
    const auto filter = filters.make([](double frequency) { return 2 - frequency; });
    for (const auto& [rows, columns] : {std::pair{0, 0}, std::pair{1, 2}, std::pair{2, 0}, std::pair{3, 3}}) {
      std::vector<float> wave;
      for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
          const double turn =
              static_cast<double>(rows) * y / height + static_cast<double>(columns) * x / width;
          wave.push_back(static_cast<float>(std::cos(2 * std::numbers::pi * turn + 0.3)));
        }
      }
      auto filtered = wave;
      filters.apply(filter, filtered);
      const double factor =
          2 - std::hypot(static_cast<double>(rows) / height, static_cast<double>(columns) / width);
      for (std::size_t i = 0; i < wave.size(); ++i) ASSERT_NEAR(filtered[i], factor * wave[i], 1e-5);
    }
  }
}

// <a, F b> = <F a, b>, of odd sizes too.
TEST(PlaneFilters, AreSymmetric) {
  for (const auto& [height, width] : {std::pair{17, 23}, std::pair{2, 3}, std::pair{64, 31}}) {
    cpu::PlaneFilters filters(height, width);
    const auto filter = filters.make([](double frequency) { return 1 / (0.1 + frequency); });
    const std::size_t size = static_cast<std::size_t>(height) * width;
    std::vector<float> a(size);
    std::vector<float> b(size);
    for (std::size_t i = 0; i < size; ++i) {
      a[i] = static_cast<float>(std::sin(7.0 * i * i));
      b[i] = static_cast<float>(std::cos(3.0 * i * i));
    }
    auto of_a = a;
    auto of_b = b;
    filters.apply(filter, of_a);
    filters.apply(filter, of_b);
    const double left = std::inner_product(a.begin(), a.end(), of_b.begin(), 0.0);
    const double right = std::inner_product(of_a.begin(), of_a.end(), b.begin(), 0.0);
    const double energy = std::inner_product(a.begin(), a.end(), of_a.begin(), 0.0);
    EXPECT_NEAR(left, right, 1e-5 * energy);
    EXPECT_GT(energy, 0);
  }
}

}  // namespace
}  // namespace scatlight
