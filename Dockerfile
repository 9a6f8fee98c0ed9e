# docker build .                       the service: small, unprivileged, no compiler
# docker build --target dev .          everything to develop with; the source gets mounted at /tcp-echo
# docker build --target test .         dev with the source inside, compiled; running it runs the tests
#
# docker build --build-arg BASE_IMAGE=debian:trixie-slim --build-arg CC=/usr/bin/clang --build-arg CXX=/usr/bin/clang++ .
# docker build --build-arg CMAKE_OPTS="-DTCP_ECHO_DEFAULT_PORT=7 -DCMAKE_BUILD_TYPE=Debug" .
ARG BASE_IMAGE=debian:bookworm-slim

FROM ${BASE_IMAGE} AS dev
ARG CC=
ARG CXX=
ENV CC=${CC} CXX=${CXX}
# The scripts come alone and first: this layer is made again only when the requirements change, not with every edit.
COPY requirements/ /opt/requirements/
RUN /opt/requirements/install.sh test lint coverage
WORKDIR /build
CMD ["sleep", "infinity"]

FROM dev AS test
ARG CMAKE_OPTS=
ENV CMAKE_OPTS=${CMAKE_OPTS}
WORKDIR /tcp-echo
COPY . .
# Builders that set TARGETARCH, BuildKit above all, make only the stages that are asked for. The classic builder makes this
# one on the way to the service as well: there the tests are compiled when they are run.
ARG TARGETARCH
RUN [ -z "$TARGETARCH" ] || scripts/build.sh test
CMD ["./test.sh"]

FROM ${BASE_IMAGE} AS build
ARG CC=
ARG CXX=
COPY requirements/ /opt/requirements/
RUN /opt/requirements/install.sh build
WORKDIR /tcp-echo
# What is compiled, and after it what is only installed: another word in the documentation compiles nothing.
COPY CMakeLists.txt CMakePresets.json ./
COPY cmake/ cmake/
COPY scripts/ scripts/
COPY include/ include/
COPY src/ src/
ARG CMAKE_OPTS=
RUN scripts/build.sh release
COPY *.md LICENSE ./
COPY docs/ docs/
COPY examples/ examples/
COPY bench/results/ bench/results/
RUN DESTDIR=/install cmake --install build/release --strip

FROM ${BASE_IMAGE} AS prod
COPY requirements/ /opt/requirements/
RUN /opt/requirements/install.sh run \
 && rm -rf /opt/requirements /var/lib/apt/lists/* /var/cache/apt/* /var/cache/apk/* /var/cache/dnf /var/cache/libdnf5 \
      /var/cache/debconf/*-old /var/lib/dpkg/*-old /var/log/*
COPY --from=build /install/usr/local/sbin/ /usr/local/sbin/
COPY --from=build /install/usr/local/bin/ /usr/local/bin/
COPY --from=build /install/usr/local/share/doc/tcp-echo/LICENSE /usr/local/share/doc/tcp-echo/
# The control socket's folder, where tcp-echo-ctl looks as well. Whichever user the container runs as may make it there.
RUN mkdir -m 1777 /run/tcp-echo
ENV RUNTIME_DIRECTORY=/run/tcp-echo
# By number: orchestrators that demand a non-root user cannot look names up.
USER 10001:10001
EXPOSE 8090
# A graceful stop: the master lets clients finish for --shutdown-timeout (8 s).
STOPSIGNAL SIGTERM
# Asks the daemon where it listens: also when arguments, variables or a file say something else than the default.
HEALTHCHECK --interval=5s --timeout=3s --start-period=5s --retries=3 CMD ["tcp-echo-master", "--probe"]
ENTRYPOINT ["tcp-echo-master"]
# Last, for they change the most: docker build --build-arg REVISION=$(git rev-parse HEAD) .
# The version is CMakeLists.txt's; a test compares them.
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="tcp-echo" \
      org.opencontainers.image.description="A TCP echo daemon: one master, many workers" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
