# lockkeeper: built on Debian 12, run on a slim one as a user without rights and a read-only root.
#   make image
FROM debian:12 AS build
WORKDIR /src
COPY .ci .ci
RUN .ci/install && rm -rf /var/lib/apt/lists/*
COPY CMakeLists.txt CMakePresets.json ./
COPY dbcore dbcore
COPY crds crds
COPY reconciler reconciler
COPY operator operator
RUN cmake --preset release -DLK_TESTS=OFF \
 && cmake --build build/release --target lockkeeper \
 && strip build/release/lockkeeper
# What it is linked to, as names of packages: the image below has these and what they depend on.
RUN readelf -d build/release/lockkeeper | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' \
  | while read -r library; do dpkg -S "*/$(gcc -print-multiarch)/$library" | cut -d: -f1; done | sort -u >/runtime-packages

FROM debian:12-slim
COPY --from=build /runtime-packages /tmp/
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive xargs apt-get install -y --no-install-recommends \
      ca-certificates tzdata </tmp/runtime-packages \
 && rm -rf /var/lib/apt/lists/* /tmp/runtime-packages
COPY --from=build /src/build/release/lockkeeper /usr/local/bin/lockkeeper
USER 65532:65532
WORKDIR /
ENTRYPOINT ["/usr/local/bin/lockkeeper"]
CMD ["operator"]
