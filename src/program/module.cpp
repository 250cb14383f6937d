// scatlight._program: the command line in Python's process, which may be one of several that torchrun
// started.

#include <nanobind/nanobind.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <string>
#include <utility>
#include <vector>

#include "cli/program.h"

namespace nb = nanobind;

namespace scatlight::program {
namespace {

/// Returns the exit status and the complaint, which was printed.
std::pair<int, std::string> run(std::vector<std::string> arguments, const std::string& group, int rank,
                                int size, int local_rank, int local_size, int restarts,
                                const std::string& run_id) {
  std::vector<char*> words = {const_cast<char*>("scatlight")};
  for (auto& argument : arguments) words.push_back(argument.data());
  const int count = static_cast<int>(words.size());
  words.push_back(nullptr);
  auto [status, complaint] = cli::run_program(count, words.data(),
                                              {.group = group,
                                               .rank = rank,
                                               .size = size,
                                               .local_rank = local_rank,
                                               .local_size = local_size,
                                               .restarts = restarts,
                                               .run_id = run_id});
  return {status, std::move(complaint)};
}

}  // namespace

NB_MODULE(SCATLIGHT_MODULE, module) {
  module.attr("torch_version") = SCATLIGHT_TORCH_VERSION;
  module.def("run", &run, nb::call_guard<nb::gil_scoped_release>(), nb::arg("arguments"), nb::kw_only(),
             nb::arg("group") = "", nb::arg("rank") = 0, nb::arg("size") = 1, nb::arg("local_rank") = 0,
             nb::arg("local_size") = 1, nb::arg("restarts") = 0, nb::arg("run_id") = "");
}

}  // namespace scatlight::program
