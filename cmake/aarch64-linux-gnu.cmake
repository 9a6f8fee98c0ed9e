# For 64-bit ARM, with Debian's cross compiler and its libraries of that architecture beside those of the machine:
#   cmake --preset release --toolchain cmake/aarch64-linux-gnu.cmake
# docker/arm64.Dockerfile installs what that needs.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
# What is found there is for ARM; what lies in /usr/share, headers and descriptions of header-only libraries, is for all.
set(ENV{PKG_CONFIG_LIBDIR} /usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig)
