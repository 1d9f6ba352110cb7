# SPDX-License-Identifier: MIT
# collector.Dockerfile - shmetrics-collector; from the root of the project:
#   docker build -f deployment/containers/collector.Dockerfile -t shmetrics-collector .
FROM debian:12-slim AS build
COPY . /src
RUN /src/deployment/containers/build-collector.sh /opt/shmetrics

FROM debian:12-slim
COPY deployment/prepare.sh /src/deployment/
COPY deployment/containers/common.sh deployment/containers/runtime.sh /src/deployment/containers/
RUN /src/deployment/containers/runtime.sh collector
COPY --from=build /opt/shmetrics /opt/shmetrics
COPY deployment/containers/is-healthy /usr/local/bin/
# The same as the backend's: a collector serves what files of its own user hold.
USER 10001:10001
ENV SHMETRICS_DIR=/run/shmetrics
EXPOSE 9798
HEALTHCHECK --interval=10s --timeout=6s --start-period=10s CMD ["is-healthy", "9798", "/-/healthy"]
ENTRYPOINT ["/opt/shmetrics/bin/shmetrics-collector"]
CMD ["--web.listen-address=:9798"]
