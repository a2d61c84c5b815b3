# syntax=docker/dockerfile:1
# The image contains only the program, without a shell, and runs as a user that owns no files except /data. An SQLite log
# is written to /data; nothing else is written, so the root file system can be read-only.

FROM node:22-bookworm-slim AS viewer
WORKDIR /source
COPY schema.graphql ./
COPY web web
RUN --mount=type=cache,target=/root/.npm web/build

FROM rust:1.95-slim-bookworm AS build
WORKDIR /source
COPY . .
COPY --from=viewer /source/web/dist web/dist
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/source/target \
    cargo build --release --locked --bin auditgraph && \
    install -D target/release/auditgraph /image/usr/local/bin/auditgraph && \
    install -d -m 0700 -o 65532 -g 65532 /image/data

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /image /
ENV AUDITGRAPH_LISTEN=0.0.0.0:8080 \
    AUDITGRAPH_METRICS_LISTEN=0.0.0.0:9464 \
    AUDITGRAPH_DATABASE_URL=sqlite:///data/auditgraph.db \
    AUDITGRAPH_LOG_FORMAT=json
VOLUME /data
EXPOSE 8080 9464
USER 65532:65532
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["/usr/local/bin/auditgraph", "ready"]
ENTRYPOINT ["/usr/local/bin/auditgraph"]
CMD ["serve"]
