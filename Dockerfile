# The same two commands as in the README: build with `cargo build --release --locked`,
# run with `engagement-desk serve`.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked

FROM debian:12-slim
# Postgres is for a container that is given no DATABASE_URL: it then keeps its data, through the
# service, in /data. The first line stops the package from making a cluster of its own.
RUN mkdir -p /etc/postgresql-common/createcluster.d \
    && echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.d/none.conf \
    && apt-get update \
    && apt-get install --yes --no-install-recommends postgresql-15 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --user-group --create-home engagement-desk \
    && install -d -o engagement-desk -g engagement-desk /data
COPY --from=build /src/target/release/engagement-desk /usr/local/bin/
USER engagement-desk
WORKDIR /data
VOLUME /data
ENV ED_LISTEN=0.0.0.0:8080
EXPOSE 8080
ENTRYPOINT ["engagement-desk"]
CMD ["serve"]
