# The worker. It reaches the server over HTTP with a token, and nothing else: no database, no content store.
FROM rust:1.95-slim-bookworm AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends clang libclang-dev mold pkg-config libavcodec-dev libavfilter-dev \
    libavformat-dev libavutil-dev libswresample-dev libswscale-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cargo build --release --locked -p pinreel-transcoder

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates libavcodec59 libavfilter8 libavformat59 libavutil57 \
    libswresample4 libswscale6 procps \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10002 --home-dir /work pinreel-transcoder \
 && install -d -o pinreel-transcoder -g pinreel-transcoder /work
COPY --from=build /src/target/release/pinreel-transcoder /usr/bin/pinreel-transcoder
USER 10002
VOLUME /work
HEALTHCHECK --interval=30s --timeout=3s CMD ["pgrep", "-x", "pinreel-transco"]
ENTRYPOINT ["pinreel-transcoder"]
CMD ["--work-dir", "/work"]
