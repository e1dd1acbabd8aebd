# The gateway and API. It holds no ffmpeg: hostile media is the transcoder's business alone.
FROM rust:1.95-slim-bookworm AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends clang mold pkg-config nodejs npm \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src/web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN npm ci --no-audit --no-fund
WORKDIR /src
COPY . .
WORKDIR /src/web
RUN npm run build
WORKDIR /src
ENV SQLX_OFFLINE=true
RUN cargo build --release --locked -p pinreel-server

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates curl \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --home-dir /data pinreel \
 && install -d -o pinreel -g pinreel /data
COPY --from=build /src/target/release/pinreel /usr/bin/pinreel
COPY --from=build /src/web/dist /usr/share/pinreel/web
USER 10001
ENV PINREEL_WEB=/usr/share/pinreel/web
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["curl", "-fsS", "http://127.0.0.1:8080/healthz"]
ENTRYPOINT ["pinreel"]
CMD ["serve", "--listen", "0.0.0.0", "--port", "8080", "--data", "/data", "--transcoder", "none"]
