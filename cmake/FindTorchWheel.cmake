# Finds the C++ side of the torch package that a Python interpreter imports, and makes the target torch_wheel.
#
# Not find_package(Torch): that one stops with an error on a machine without a CUDA toolkit, because the wheel of
# PyPI is built for CUDA, although everything here links to torch's CPU library only. The CUDA side of torch is
# loaded at run time when a GPU is asked for.
#
# Sets TorchWheel_FOUND and TorchWheel_VERSION.

execute_process(
  COMMAND ${SCATLIGHT_PYTHON} -c "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])"
  OUTPUT_VARIABLE torch_root OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(torch_root AND EXISTS ${torch_root}/version.py)
  file(STRINGS ${torch_root}/version.py version_line REGEX "^__version__")
  string(REGEX MATCH "[0-9]+\\.[0-9]+\\.[0-9]+" TorchWheel_VERSION "${version_line}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(TorchWheel
  REQUIRED_VARS torch_root
  VERSION_VAR TorchWheel_VERSION
  REASON_FAILURE_MESSAGE "${SCATLIGHT_PYTHON} cannot import torch. Install it with pip or name another Python with -DSCATLIGHT_PYTHON=")

if(TorchWheel_FOUND AND NOT TARGET torch_wheel)
  add_library(torch_wheel INTERFACE)
  target_include_directories(torch_wheel SYSTEM INTERFACE
    ${torch_root}/include ${torch_root}/include/torch/csrc/api/include)
  target_link_directories(torch_wheel INTERFACE ${torch_root}/lib)
  target_link_libraries(torch_wheel INTERFACE torch_cpu c10)
  # torch's libraries find NVIDIA's by a path inside the wheel, which the linker does not follow.
  target_link_options(torch_wheel INTERFACE -Wl,--allow-shlib-undefined -Wl,-rpath,${torch_root}/lib)
endif()
