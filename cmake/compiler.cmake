# What every target of ours is compiled with; the tests with tcp_echo_test_compiler.
add_library(tcp_echo_compiler INTERFACE)
target_compile_options(tcp_echo_compiler INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wnon-virtual-dtor
  -Woverloaded-virtual -Wcast-align -Wformat=2 -Wimplicit-fallthrough -Wundef
  # A switch over an enum names every value, so a new state cannot be forgotten anywhere.
  -Werror=switch
  $<$<CXX_COMPILER_ID:Clang>:-Wreserved-identifier>)
if(TCP_ECHO_WERROR)
  target_compile_options(tcp_echo_compiler INTERFACE -Werror)
endif()

# What distributions harden their daemons with; the sanitizers bring their own and want no fortification.
if(TCP_ECHO_SANITIZE)
  target_compile_options(tcp_echo_compiler INTERFACE
    -fsanitize=${TCP_ECHO_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(tcp_echo_compiler INTERFACE -fsanitize=${TCP_ECHO_SANITIZE})
  # The vptr check opens a pipe to look at memory, and cries wolf in the tests that run out of descriptors.
  target_compile_options(tcp_echo_compiler INTERFACE -fno-sanitize=vptr)
  # GCC 12 sees ghosts in std::regex when it is instrumented.
  target_compile_options(tcp_echo_compiler INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  # Its thread sanitizer does not understand fences; ours only order atomics, which it has no complaint about.
  target_compile_options(tcp_echo_compiler INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
else()
  target_compile_options(tcp_echo_compiler INTERFACE -fstack-protector-strong
    $<$<CONFIG:Release,RelWithDebInfo>:-U_FORTIFY_SOURCE> $<$<CONFIG:Release,RelWithDebInfo>:-D_FORTIFY_SOURCE=2>)
  target_link_options(tcp_echo_compiler INTERFACE -Wl,-z,relro,-z,now)
endif()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
include(CheckPIESupported)
check_pie_supported(LANGUAGES CXX)

if(TCP_ECHO_COVERAGE)
  target_compile_options(tcp_echo_compiler INTERFACE --coverage)
  target_link_options(tcp_echo_compiler INTERFACE --coverage)
endif()

# Optimising the tests further takes longer than it saves. Not at all would be the wrong saving: under Valgrind they then
# take five times as long.
add_library(tcp_echo_test_compiler INTERFACE)
target_link_libraries(tcp_echo_test_compiler INTERFACE tcp_echo_compiler)
target_compile_options(tcp_echo_test_compiler INTERFACE $<$<CONFIG:RelWithDebInfo>:-O1>)
