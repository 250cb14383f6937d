# One function makes every target of the project, so that warnings and include paths are stated once.

add_library(scatlight_flags INTERFACE)
target_compile_options(scatlight_flags INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra> $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra>)

# What spends its time elsewhere, in the library that it calls: compiled in half the time.
function(scatlight_compile_quickly target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
endfunction()

# torch's headers are half of the time that a file takes which includes them. So they are compiled once for all
# targets of one set of compiler flags, which the first target of it sees to.
function(scatlight_precompile_torch target flags)
  if(CMAKE_DISABLE_PRECOMPILE_HEADERS)  # reuse would warn
    return()
  endif()
  get_property(first GLOBAL PROPERTY scatlight_torch_headers_${flags})
  if(first)
    target_precompile_headers(${target} REUSE_FROM ${first})
  else()
    target_precompile_headers(${target} PRIVATE <ATen/ATen.h>)
    set_property(GLOBAL PROPERTY scatlight_torch_headers_${flags} ${target})
  endif()
endfunction()

# A private room of src/: a static library whose link line shows what it knows.
# Rooms that include torch's headers say TORCH.
#   scatlight_add_room(data SOURCES decode.cpp ... LINK scatlight_io)
function(scatlight_add_room name)
  cmake_parse_arguments(ARG "TORCH" "" "SOURCES;LINK;PRIVATE_LINK" ${ARGN})
  add_library(scatlight_${name} STATIC ${ARG_SOURCES})
  target_include_directories(scatlight_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
  target_link_libraries(scatlight_${name} PUBLIC ${ARG_LINK} PRIVATE scatlight_flags fmt::fmt ${ARG_PRIVATE_LINK})
  if(ARG_TORCH)
    scatlight_precompile_torch(scatlight_${name} room)
  endif()
endfunction()

# A GoogleTest program tests/<room>/<name>.cpp; each of its cases is one test of ctest. Programs that load torch
# take a second to start: give them WHOLE, and the program is one test.
#   scatlight_add_test(geometry_test LINK scatlight)
function(scatlight_add_test name)
  cmake_parse_arguments(ARG "WHOLE" "" "LINK;SOURCES" ${ARGN})
  add_executable(${name} ${name}.cpp ${ARG_SOURCES})
  scatlight_compile_quickly(${name})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(${name} PRIVATE ${ARG_LINK} GTest::gtest_main fmt::fmt scatlight_flags)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  if(ARG_WHOLE)
    scatlight_precompile_torch(${name} test)
    add_test(NAME ${name} COMMAND ${name})
    # As the program does: on a busy machine OpenMP's threads would spin away the time of those that they wait for.
    set_tests_properties(${name} PROPERTIES ENVIRONMENT OMP_WAIT_POLICY=passive)
  else()
    gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST)
  endif()
endfunction()

# The pytest files of a folder as one test of ctest, with variables of the environment.
#   scatlight_add_pytest(kymatio_parity . "SCATLIGHT_TRANSFORM_RAW=$<TARGET_FILE:transform_raw>")
function(scatlight_add_pytest name folder)
  add_test(NAME ${name} COMMAND ${SCATLIGHT_PYTHON} -m pytest -q -rs -p no:cacheprovider ${folder}
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES ENVIRONMENT
    "PYTHONDONTWRITEBYTECODE=1;OMP_WAIT_POLICY=passive;PYTHONPATH=${PROJECT_SOURCE_DIR}/python;${ARGN}")
endfunction()
