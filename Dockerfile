# docker build .                       the service: small, unprivileged, no compiler
# docker build --target dev .          everything to develop with; the source gets mounted at /tcp-echo
# docker build --target test .         dev with the source inside; running it runs the tests
# docker build --build-arg BASE_IMAGE=debian:trixie-slim .
ARG BASE_IMAGE=debian:bookworm-slim

FROM ${BASE_IMAGE} AS dev
# The scripts come alone and first: this layer is made again only when the requirements change, not with every edit.
COPY requirements/ /opt/requirements/
RUN /opt/requirements/install.sh test lint coverage
WORKDIR /tcp-echo
CMD ["sleep", "infinity"]

FROM dev AS test
COPY . .
CMD ["./test.sh"]

FROM ${BASE_IMAGE} AS build
COPY requirements/ /opt/requirements/
RUN /opt/requirements/install.sh build
WORKDIR /tcp-echo
COPY . .
# For example --build-arg CMAKE_OPTS=-DTCP_ECHO_DEFAULT_PORT=7
ARG CMAKE_OPTS=
# CMAKE_OPTS is unquoted on purpose: it may be several.
RUN cmake --preset release ${CMAKE_OPTS} \
 && cmake --build --preset release \
 && DESTDIR=/install cmake --install build/release --strip

FROM ${BASE_IMAGE} AS prod
LABEL org.opencontainers.image.title="tcp-echo" \
      org.opencontainers.image.description="A TCP echo daemon: one master, many workers" \
      org.opencontainers.image.licenses="MIT"
COPY requirements/ /opt/requirements/
RUN /opt/requirements/install.sh run \
 && rm -rf /opt/requirements /var/lib/apt/lists/* /var/cache/apk/* /var/cache/dnf /var/cache/libdnf5
COPY docker/healthcheck.sh /usr/local/bin/tcp-echo-healthcheck
COPY --from=build /install/usr/local/sbin/ /usr/local/sbin/
# By number: orchestrators that demand a non-root user cannot look names up.
USER 10001:10001
EXPOSE 8090
# A graceful stop: the master lets clients finish for --shutdown-timeout (8 s).
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 CMD ["tcp-echo-healthcheck"]
ENTRYPOINT ["tcp-echo-master"]
