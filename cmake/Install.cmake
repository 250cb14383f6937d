# What `cmake --install` and CPack take, in the components scatlight (library and headers), models (the library that runs
# networks) and program.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# NAME.pc, which finds its folders from where it lies.
function(scatlight_install_pkgconfig name description libs component)
  file(RELATIVE_PATH prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
  file(WRITE ${PROJECT_BINARY_DIR}/${name}.pc
"prefix=\${pcfiledir}/${prefix}
Name: ${name}
Description: ${description}
Version: ${PROJECT_VERSION}
Cflags: -I\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}
Libs: -L\${prefix}/${CMAKE_INSTALL_LIBDIR} ${libs}
")
  install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT ${component})
endfunction()

# All that is installed.
add_custom_target(installed)
add_dependencies(installed ${scatlight_library})

install(TARGETS ${scatlight_library} EXPORT scatlightTargets COMPONENT scatlight)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/scatlight DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT scatlight)
install(EXPORT scatlightTargets NAMESPACE scatlight:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/scatlight
  COMPONENT scatlight)
set(libs "-lscatlight -pthread")
if(SCATLIGHT_WITH_CUDA)
  set(find_cuda "find_dependency(CUDAToolkit 13.0)")  # its static runtime library
  string(APPEND libs " -L${CUDAToolkit_LIBRARY_DIR} -lcudart_static -ldl -lrt")
endif()
scatlight_install_pkgconfig(scatlight "${PROJECT_DESCRIPTION}" "${libs}" scatlight)
file(WRITE ${PROJECT_BINARY_DIR}/scatlightConfig.cmake
"include(CMakeFindDependencyMacro)
find_dependency(Threads)
${find_cuda}
include(\${CMAKE_CURRENT_LIST_DIR}/scatlightTargets.cmake)
foreach(component IN LISTS scatlight_FIND_COMPONENTS)
  if(component STREQUAL models AND EXISTS \${CMAKE_CURRENT_LIST_DIR}/scatlightModelsTargets.cmake)
    include(\${CMAKE_CURRENT_LIST_DIR}/scatlightModelsTargets.cmake)
    set(scatlight_models_FOUND TRUE)
  elseif(scatlight_FIND_REQUIRED_\${component})
    set(scatlight_FOUND FALSE)
    set(scatlight_NOT_FOUND_MESSAGE \"this scatlight has no component \${component}; models is there where it was built with torch\")
  endif()
endforeach()
")
write_basic_package_version_file(${PROJECT_BINARY_DIR}/scatlightConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/scatlightConfig.cmake ${PROJECT_BINARY_DIR}/scatlightConfigVersion.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/scatlight COMPONENT scatlight)
