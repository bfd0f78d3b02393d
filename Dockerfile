# The service and everything it needs, nothing else: no compiler, no package manager's cache, no root.
#
#   docker build -t kinesiem .
#   docker run --read-only --tmpfs /tmp -v siem-state:/var/lib/siem -v ./siem.yml:/etc/siem/siem.yml:ro kinesiem
#
# BASE needs Python 3.11 with venv as `python3`; both stages use the same one.
ARG BASE=docker.io/library/python:3.11-slim-bookworm

FROM ${BASE} AS build
WORKDIR /build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY requirements.lock requirements-build.lock ./
RUN ["python3", "-m", "venv", "/opt/siem"]
RUN ["/opt/siem/bin/python3", "-m", "pip", "install", "--quiet", "--only-binary=:all:", "--require-hashes", "-r", "requirements.lock"]
RUN ["python3", "-m", "venv", "/build/builder"]
RUN ["/build/builder/bin/python3", "-m", "pip", "install", "--quiet", "--require-hashes", "-r", "requirements-build.lock"]
COPY pyproject.toml README.md ./
COPY service service
RUN ["/build/builder/bin/python3", "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", "dist", "."]
RUN ["/opt/siem/bin/python3", "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--find-links", "dist", "kinesiem"]
# what builds images does not run services
RUN ["/opt/siem/bin/python3", "-m", "pip", "uninstall", "--quiet", "--yes", "setuptools", "pip"]
RUN ["/opt/siem/bin/python3", "-m", "compileall", "-q", "-j", "0", "/opt/siem/lib"]
COPY pipelines content/pipelines
COPY mappings content/mappings
COPY dashboards content/dashboards
COPY detections content/detections
COPY deploy/tuning content/deploy/tuning
RUN ["mkdir", "-p", "state", "settings"]

FROM ${BASE}
LABEL org.opencontainers.image.title="kinesiem" \
      org.opencontainers.image.description="AWS security logs from many accounts' Kinesis streams into OpenSearch"
COPY --from=build /opt/siem /opt/siem
COPY --from=build /build/content /usr/share/siem
COPY --from=build /build/settings /etc/siem
COPY --from=build --chown=10001:10001 /build/state /var/lib/siem
ENV PATH=/opt/siem/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    SIEM_CONTENT=/usr/share/siem \
    SIEM_PATHS_PIPELINES=/usr/share/siem/pipelines \
    SIEM_PATHS_MAPPINGS=/usr/share/siem/mappings \
    SIEM_PATHS_DASHBOARDS=/usr/share/siem/dashboards \
    SIEM_PATHS_STATE=/var/lib/siem
WORKDIR /etc/siem
USER 10001:10001
VOLUME ["/var/lib/siem"]
EXPOSE 8650
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=4s --start-period=60s --retries=3 \
    CMD ["/opt/siem/bin/python3", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8650/health/live', timeout=3)"]
ENTRYPOINT ["/opt/siem/bin/siem"]
CMD ["run"]
