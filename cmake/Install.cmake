include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
install(TARGETS scatlight EXPORT scatlightTargets COMPONENT scatlight)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/scatlight DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT scatlight)
install(EXPORT scatlightTargets NAMESPACE scatlight:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/scatlight
  COMPONENT scatlight)
if(SCATLIGHT_WITH_CUDA)
  set(find_cuda "find_dependency(CUDAToolkit 13.0)")  # its static runtime library
endif()
file(WRITE ${PROJECT_BINARY_DIR}/scatlightConfig.cmake
"include(CMakeFindDependencyMacro)
find_dependency(Threads)
${find_cuda}
include(\${CMAKE_CURRENT_LIST_DIR}/scatlightTargets.cmake)
")
write_basic_package_version_file(${PROJECT_BINARY_DIR}/scatlightConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/scatlightConfig.cmake ${PROJECT_BINARY_DIR}/scatlightConfigVersion.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/scatlight COMPONENT scatlight)
