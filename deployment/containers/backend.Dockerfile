# SPDX-License-Identifier: MIT
# backend.Dockerfile - the reference backend with four workers; from the root of the project:
#   docker build -f deployment/containers/backend.Dockerfile -t convergeai-backend .
FROM debian:12-slim AS build
COPY . /src
RUN /src/deployment/containers/build-backend.sh /opt/backend

FROM debian:12-slim
COPY deployment/prepare.sh /src/deployment/
COPY deployment/containers/common.sh deployment/containers/runtime.sh /src/deployment/containers/
RUN /src/deployment/containers/runtime.sh backend
COPY --from=build /opt/backend /opt/backend
COPY deployment/containers/is-healthy /usr/local/bin/
USER 10001:10001
WORKDIR /opt/backend
ENV SHMETRICS_DIR=/run/shmetrics SHMETRICS_SEGMENT=convergeai DEMO_DATABASE=/tmp/demo.db PYTHONDONTWRITEBYTECODE=1
EXPOSE 8000
# Whether it lives, not whether it is ready: nobody mends a database by starting the backend anew.
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s CMD ["is-healthy", "8000", "/api/v1/health/live"]
ENTRYPOINT ["/opt/backend/bin/python", "-m", "uvicorn", "src.main:app"]
CMD ["--workers", "4", "--host", "0.0.0.0", "--port", "8000"]
