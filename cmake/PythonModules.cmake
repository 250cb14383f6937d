# Finds Python and nanobind for src/python and src/program: included above both, as what is found belongs to a folder.
if(NOT SKBUILD)
  set(Python_EXECUTABLE ${SCATLIGHT_PYTHON})
endif()
find_package(Python 3.10 REQUIRED COMPONENTS Interpreter Development.Module ${SKBUILD_SABI_COMPONENT})
execute_process(COMMAND ${Python_EXECUTABLE} -m nanobind --cmake_dir
  OUTPUT_STRIP_TRAILING_WHITESPACE OUTPUT_VARIABLE nanobind_ROOT ERROR_QUIET RESULT_VARIABLE missing)
if(missing)
  message(FATAL_ERROR "The Python package needs nanobind, which ${Python_EXECUTABLE} does not have: "
    "install it with pip, or configure with -DSCATLIGHT_BUILD_PYTHON=OFF")
endif()
find_package(nanobind REQUIRED)
