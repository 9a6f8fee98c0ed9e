# The daemon for 64-bit ARM, compiled on another machine. To run it there, the kernel must know an emulator:
#   docker build -f docker/arm64.Dockerfile -t tcp-echo-arm64 .
# On an ARM machine, or with an emulator in BuildKit, the usual Dockerfile does (docker build --platform linux/arm64 .).
ARG BASE_IMAGE=debian:bookworm-slim
FROM ${BASE_IMAGE}
RUN dpkg --add-architecture arm64 \
 && apt-get update \
 && apt-get install -y --no-install-recommends g++-aarch64-linux-gnu cmake ninja-build pkg-config netcat-openbsd \
      libuv1-dev:arm64 libspdlog-dev:arm64 libtomlplusplus-dev:arm64 libmicrohttpd-dev:arm64 libcli11-dev nlohmann-json3-dev libexpected-dev
WORKDIR /tcp-echo
COPY . .
RUN CMAKE_OPTS=-DCMAKE_TOOLCHAIN_FILE=cmake/aarch64-linux-gnu.cmake scripts/build.sh release
ENTRYPOINT ["build/release/tcp-echo-master"]
