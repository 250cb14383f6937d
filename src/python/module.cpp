// scatlight._core: the transform for Python, and the decoder of the networks' images. It takes contiguous
// arrays in memory, whoever owns them, and leaves shapes, batch dimensions and defaults to the Python code
// above it.

#include <fmt/format.h>
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/option_list.h"
#include "data/decode.h"
#include "scatlight/cuda.h"
#include "scatlight/reconstruction.h"
#include "scatlight/scattering.h"

namespace nb = nanobind;

namespace scatlight::python {
namespace {

template <class T>
using Input = nb::ndarray<const T, nb::c_contig, nb::device::cpu>;
template <class T>
using Output = nb::ndarray<T, nb::c_contig, nb::device::cpu>;

template <class T>
std::span<const T> values_of(const Input<T>& array) {
  return {array.data(), array.size()};
}

template <class T>
std::span<T> values_of(const Output<T>& array) {
  return {array.data(), array.size()};
}

template <class T>
void forward(const Scattering& plan, const Input<T>& images, const Output<T>& features) {
  const auto from = values_of<T>(images);
  const auto to = values_of<T>(features);
  const nb::gil_scoped_release released;
  plan.forward(from, to);
}

template <class T>
void backward(const Scattering& plan, const Input<T>& images, const Input<T>& feature_gradients,
              const Output<T>& image_gradients) {
  const auto of = values_of<T>(images);
  const auto from = values_of<T>(feature_gradients);
  const auto to = values_of<T>(image_gradients);
  const nb::gil_scoped_release released;
  plan.backward(of, from, to);
}

template <class T>
void backward_to_wavelets(const Scattering& plan, const Input<T>& images, const Input<T>& feature_gradients,
                          const Output<T>& image_gradients, const Output<double>& wavelet_gradients) {
  const auto of = values_of<T>(images);
  const auto from = values_of<T>(feature_gradients);
  const auto to = values_of<T>(image_gradients);
  const auto to_wavelets = values_of<double>(wavelet_gradients);
  const nb::gil_scoped_release released;
  plan.backward(of, from, to, to_wavelets);
}

// ---- wavelets as an argument: four numbers each, in the order of WaveletShape's members ----

constexpr std::size_t numbers_per_shape = 4;

nb::list list_wavelet_shapes(const ScatteringOptions& options) {
  nb::list shapes;
  for (const auto& shape : wavelet_shapes(options))
    shapes.append(nb::make_tuple(shape.theta, shape.xi, shape.sigma, shape.slant));
  return shapes;
}

std::vector<WaveletShape> to_shapes(std::span<const double> numbers) {
  std::vector<WaveletShape> shapes(numbers.size() / numbers_per_shape);
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const auto of_one = numbers.subspan(i * numbers_per_shape, numbers_per_shape);
    shapes[i] = {.theta = of_one[0], .xi = of_one[1], .sigma = of_one[2], .slant = of_one[3]};
  }
  return shapes;
}

// The leading sides are J and L, and `rest` are the others.
bool has_sides(const Input<double>& array, const ScatteringOptions& options,
               const std::vector<std::size_t>& rest) {
  std::vector<std::size_t> expected = {static_cast<std::size_t>(options.scales),
                                       static_cast<std::size_t>(options.angles)};
  expected.insert(expected.end(), rest.begin(), rest.end());
  return std::equal(array.shape_ptr(), array.shape_ptr() + array.ndim(), expected.begin(), expected.end(),
                    [](auto side, auto wanted) { return static_cast<std::size_t>(side) == wanted; });
}

// Shapes (J, L, 4) or spectra (J, L, padded height, padded width).
Scattering with_wavelets(const Scattering& plan, const Input<double>& wavelets) {
  const auto& options = plan.options();
  const auto numbers = values_of<double>(wavelets);
  const bool are_shapes = has_sides(wavelets, options, {numbers_per_shape});
  const auto height = static_cast<std::size_t>(plan.padded_height());
  const auto width = static_cast<std::size_t>(plan.padded_width());
  if (!are_shapes && !has_sides(wavelets, options, {height, width})) {
    const std::vector<std::int64_t> sides(wavelets.shape_ptr(), wavelets.shape_ptr() + wavelets.ndim());
    throw Error(fmt::format("wavelets are ({}); they must be shapes ({}, {}, 4) or spectra ({}, {}, {}, {})",
                            fmt::join(sides, ", "), options.scales, options.angles, options.scales,
                            options.angles, height, width));
  }
  const nb::gil_scoped_release released;
  return are_shapes ? plan.with_wavelets(to_shapes(numbers)) : plan.with_wavelets(numbers);
}

// From dL/dpsi^ to the four numbers of each wavelet (J, L, 4).
void shape_gradients_of(const ScatteringOptions& options, const Input<double>& shapes,
                        const Input<double>& wavelet_gradients, const Output<double>& gradients) {
  const auto of = values_of<double>(shapes);
  const auto from = values_of<double>(wavelet_gradients);
  const auto to = values_of<double>(gradients);
  if (of.size() % numbers_per_shape != 0 || to.size() != of.size())
    throw Error(fmt::format("shapes have {} numbers and their gradients {}; each has 4 for each wavelet",
                            of.size(), to.size()));
  const nb::gil_scoped_release released;
  auto at = to.begin();
  for (const auto& gradient : shape_gradients(options, to_shapes(of), from)) {
    for (const double number : {gradient.theta, gradient.xi, gradient.sigma, gradient.slant}) *at++ = number;
  }
}

void copy_filter(const std::vector<double>& from, const Output<double>& to) {
  if (from.size() != to.size())
    throw Error(fmt::format("the filter has {} values; there is room for {}", from.size(), to.size()));
  std::copy(from.begin(), from.end(), to.data());
}

void low_pass(const Scattering& plan, int level, const Output<double>& values) {
  copy_filter(plan.low_pass(level), values);
}

void wavelet(const Scattering& plan, int scale, int angle, int level, const Output<double>& values) {
  copy_filter(plan.wavelet(scale, angle, level), values);
}

// The image into `image`; returns the relative error and that of each evaluation.
std::pair<double, std::vector<double>> reconstruct_image(const Scattering& plan, const Input<float>& features,
                                                         const Output<float>& image,
                                                         const std::string& solver, int evaluations,
                                                         double tolerance, double pixel_range) {
  ReconstructionOptions options{.solver = from_name<Solver>(solver),
                                .evaluations = evaluations,
                                .tolerance = tolerance,
                                .pixel_range = pixel_range};
  bool interrupted = false;
  options.on_step = [&](const ReconstructionStep&) {
    const nb::gil_scoped_acquire acquired;
    interrupted = PyErr_CheckSignals() != 0;
    return !interrupted;
  };
  const auto from = values_of<float>(features);
  const auto to = values_of<float>(image);
  Reconstruction found;
  {
    const nb::gil_scoped_release released;
    found = reconstruct(plan, from, options);
  }
  if (interrupted) throw nb::python_error();
  std::copy(found.image.begin(), found.image.end(), to.begin());
  return {found.relative_error, std::move(found.errors)};
}

template <class T>
void set_option(ScatteringOptions& options, const Option<T>& option, nb::handle value) {
  using Given = std::conditional_t<std::is_enum_v<T>, std::string, T>;
  Given given = {};
  if (!nb::try_cast(value, given)) {
    const auto* type = std::is_enum_v<T> ? "a string" : std::is_integral_v<T> ? "an integer" : "a number";
    throw nb::type_error(fmt::format("option {} must be {}", option.name, type).c_str());
  }
  if constexpr (std::is_enum_v<T>) {
    options.*option.member = from_name<T>(given);
  } else {
    options.*option.member = given;
  }
}

// By their names in C++; those that are not given have C++'s defaults.
ScatteringOptions to_options(const nb::kwargs& given) {
  ScatteringOptions options;
  for (const auto& entry : given) {
    const auto name = nb::cast<std::string>(entry.first);
    bool is_known = false;
    for_each_option([&](const auto& option) {
      if (option.name != name) return;
      is_known = true;
      set_option(options, option, entry.second);
    });
    if (!is_known) throw nb::type_error(fmt::format("there is no option {}", name).c_str());
  }
  return options;
}

nb::tuple maps_shape_of_options(const ScatteringOptions& options) {
  const auto shape = shape_of(options);
  return nb::make_tuple(shape.maps, shape.height, shape.width);
}

Scattering make_plan(const ScatteringOptions& options) {
  const nb::gil_scoped_release released;
  return Scattering(options);
}

// Of one plane: paths, height, width.
template <class Plan>
nb::tuple maps_shape_of(const Plan& plan) {
  return nb::make_tuple(plan.paths().size(), plan.output_height(), plan.output_width());
}

nb::list list_paths(const ScatteringOptions& options) {
  nb::list paths;
  for (const auto& path : paths_of(options)) {
    paths.append(nb::make_tuple(path.order, path.scale1, path.angle1, path.scale2, path.angle2));
  }
  return paths;
}

// ---- images, as the networks get them ----

using Pixels = nb::ndarray<nb::numpy, std::uint8_t, nb::ndim<3>>;

// (height, width, 3); the array owns the pixels.
Pixels decode_image(const std::filesystem::path& path) {
  auto image = std::make_unique<data::Image>();
  {
    const nb::gil_scoped_release released;
    *image = data::decode_file(path);
  }
  const auto height = static_cast<std::size_t>(image->height);
  const auto width = static_cast<std::size_t>(image->width);
  std::uint8_t* const pixels = image->rgb.data();
  const nb::capsule owner(image.get(), [](void* held) noexcept { delete static_cast<data::Image*>(held); });
  std::ignore = image.release();
  return {pixels, {height, width, 3}, owner};
}

// ---- a GPU: addresses of its memory, of which torch is the owner ----

template <class T>
T* pointer(std::uintptr_t address) {
  return reinterpret_cast<T*>(address);  // NOLINT(performance-no-int-to-ptr): Python has no pointers
}

template <class T>
CudaScattering<T> make_cuda_plan(const ScatteringOptions& options, int device) {
  const nb::gil_scoped_release released;
  return CudaScattering<T>(options, device);
}

template <class T>
void cuda_forward(const CudaScattering<T>& plan, std::uintptr_t images, std::int64_t planes,
                  std::uintptr_t features, std::uintptr_t workspace, std::uintptr_t stream) {
  plan.forward(pointer<const T>(images), planes, pointer<void>(features), {}, pointer<void>(workspace),
               pointer<CUstream_st>(stream));
}

template <class T>
void cuda_backward(const CudaScattering<T>& plan, std::uintptr_t images, std::int64_t planes,
                   std::uintptr_t feature_gradients, std::uintptr_t image_gradients, std::uintptr_t workspace,
                   std::uintptr_t stream) {
  plan.backward(pointer<const T>(images), planes, pointer<const void>(feature_gradients), {},
                pointer<T>(image_gradients), pointer<void>(workspace), pointer<CUstream_st>(stream));
}

// The destructor waits for the GPU. Nanobind holds the GIL then; that is rare and short.
template <class T>
void add_cuda_plan(nb::module_& module, const char* name) {
  using Plan = CudaScattering<T>;
  const nb::call_guard<nb::gil_scoped_release> released;
  nb::class_<Plan>(module, name)
      .def_static("make", &make_cuda_plan<T>, nb::arg("options"), nb::arg("device"))
      .def_prop_ro("maps_shape", &maps_shape_of<Plan>)
      .def("forward_workspace", &Plan::forward_workspace, nb::arg("planes"))
      .def("backward_workspace", &Plan::backward_workspace, nb::arg("planes"))
      .def("forward", &cuda_forward<T>, released, nb::kw_only(), nb::arg("images"), nb::arg("planes"),
           nb::arg("features"), nb::arg("workspace"), nb::arg("stream"))
      .def("backward", &cuda_backward<T>, released, nb::kw_only(), nb::arg("images"), nb::arg("planes"),
           nb::arg("feature_gradients"), nb::arg("image_gradients"), nb::arg("workspace"), nb::arg("stream"));
}

}  // namespace

NB_MODULE(_core, module) {
  // Plans that torch's registry of operators holds live as long as the process; that is no leak to report.
  nb::set_leak_warnings(false);
  const nb::exception<Error> error(module, "ScatteringError", PyExc_RuntimeError);

  nb::class_<ScatteringOptions>(module, "Options")
      .def_static("make", &to_options)
      .def_prop_ro("paths", &list_paths)
      .def_prop_ro("maps_shape", &maps_shape_of_options)
      .def_prop_ro("wavelet_shapes", &list_wavelet_shapes)
      .def("shape_gradients", &shape_gradients_of, nb::arg("shapes").noconvert(),
           nb::arg("wavelet_gradients").noconvert(), nb::arg("gradients").noconvert());

  nb::class_<Scattering>(module, "Plan")
      .def_static("make", &make_plan, nb::arg("options"))
      .def("theta", &Scattering::theta)
      .def_prop_ro(
          "padded_shape",
          [](const Scattering& plan) { return std::pair(plan.padded_height(), plan.padded_width()); })
      .def("low_pass", &low_pass, nb::arg("level"), nb::arg("values").noconvert())
      .def("wavelet", &wavelet, nb::arg("scale"), nb::arg("angle"), nb::arg("level"),
           nb::arg("values").noconvert())
      .def_prop_ro("stride", [](const Scattering& plan) { return plan.options().stride; })
      .def_prop_ro("maps_shape", &maps_shape_of<Scattering>)
      .def_prop_ro("engine", &Scattering::engine)
      // noconvert: an array of another type is a mistake of the caller, not to be copied in silence.
      .def("forward", &forward<float>, nb::arg("images").noconvert(), nb::arg("features").noconvert())
      .def("forward", &forward<double>, nb::arg("images").noconvert(), nb::arg("features").noconvert())
      .def("backward", &backward<float>, nb::arg("images").noconvert(),
           nb::arg("feature_gradients").noconvert(), nb::arg("image_gradients").noconvert())
      .def("backward", &backward<double>, nb::arg("images").noconvert(),
           nb::arg("feature_gradients").noconvert(), nb::arg("image_gradients").noconvert())
      .def("backward", &backward_to_wavelets<float>, nb::arg("images").noconvert(),
           nb::arg("feature_gradients").noconvert(), nb::arg("image_gradients").noconvert(),
           nb::arg("wavelet_gradients").noconvert())
      .def("backward", &backward_to_wavelets<double>, nb::arg("images").noconvert(),
           nb::arg("feature_gradients").noconvert(), nb::arg("image_gradients").noconvert(),
           nb::arg("wavelet_gradients").noconvert())
      .def("with_wavelets", &with_wavelets, nb::arg("wavelets").noconvert())
      .def("reconstruct", &reconstruct_image, nb::arg("features").noconvert(), nb::arg("image").noconvert(),
           nb::kw_only(), nb::arg("solver"), nb::arg("evaluations"), nb::arg("tolerance"),
           nb::arg("pixel_range"));

  add_cuda_plan<float>(module, "CudaPlanFloat32");
  add_cuda_plan<double>(module, "CudaPlanFloat64");

  module.def("decode_image", &decode_image, nb::arg("path"));
  module.def("cuda_device_count", &cuda_device_count);
  module.def("built_with_cuda", &built_with_cuda);
  module.def("available_engines", &Scattering::available_engines);
}

}  // namespace scatlight::python
