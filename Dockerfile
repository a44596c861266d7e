# PostgreSQL's official image with the extension in it. Build: docker build --build-arg PG_MAJOR=17 --tag pluralsight_fdw .
ARG PG_MAJOR=17

FROM postgres:${PG_MAJOR}-bookworm AS build
ARG PG_MAJOR
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# The image brings its own package list of PostgreSQL, so the versions fit it.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        ca-certificates curl dpkg-dev gcc git libc6-dev libclang-dev make pkg-config "postgresql-server-dev-${PG_MAJOR}" \
    && rm -rf /var/lib/apt/lists/*
RUN curl --proto '=https' --tlsv1.2 --silent --show-error --fail https://sh.rustup.rs \
    | sh -s -- -y --profile minimal --default-toolchain 1.95.0
ENV PATH=/root/.cargo/bin:$PATH
WORKDIR /source
COPY . .
RUN PG="${PG_MAJOR}" make package

FROM postgres:${PG_MAJOR}-bookworm
COPY --from=build /source/dist/*.deb /tmp/
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && dpkg --install /tmp/*.deb \
    && rm -rf /tmp/*.deb /var/lib/apt/lists/*
# The server never needs root. This is the image's user postgres; a volume over the data directory must belong to it.
USER 999:999
