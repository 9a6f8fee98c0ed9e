# What makes building quick and leaves the result as it is: ccache and the fastest linker, where they are installed.

# A build by ccache has to find what another folder's has left, so nothing that is compiled may name the folder. Debug
# information and messages give paths from the project's folder on: start gdb there.
add_compile_options(-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)

# Not where it fails, as it does for a user without a home to keep its cache in.
find_program(CCACHE ccache)
mark_as_advanced(CCACHE)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(probe ${PROJECT_BINARY_DIR}/CMakeFiles/ccache-probe)
  file(WRITE ${probe}.cpp "int probe;\n")
  execute_process(COMMAND ${CCACHE} ${CMAKE_CXX_COMPILER} -c ${probe}.cpp -o ${probe}.o RESULT_VARIABLE status ERROR_VARIABLE why)
  if(status EQUAL 0)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} ${CCACHE})
  else()
    message(STATUS "building without ccache, which says: ${why}")
  endif()
endif()

include(CheckLinkerFlag)
foreach(linker mold lld)
  check_linker_flag(CXX -fuse-ld=${linker} TCP_ECHO_HAS_${linker})
  if(TCP_ECHO_HAS_${linker})
    add_link_options(-fuse-ld=${linker})
    break()
  endif()
endforeach()
