# syntax=docker/dockerfile:1
# The program alone, on a system without a shell, as a user who owns nothing. It writes only to /data (an SQLite log),
# so the file system may be read-only; with PostgreSQL it writes nowhere.

FROM rust:1.95-slim-bookworm AS build
WORKDIR /source
COPY . .
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
