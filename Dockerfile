# One image for every process of ocpi-party: api (default), worker, migrate and the rest of the command line.
ARG PYTHON_IMAGE=python:3.13-slim-trixie

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
COPY requirements.lock requirements-runtime.lock ./
# pip alone fetches: it reads the configuration that a base image behind a mirror comes with.
# It stays in a venv of its own, together with what builds the program.
RUN python -m venv tools \
    && awk '/^setuptools==/ { found = 1 } found { print } found && !/\\$/ { exit }' requirements.lock > tools.lock \
    && tools/bin/pip install --require-hashes -r tools.lock \
    && python -m venv --without-pip /opt/ocpi-party \
    && tools/bin/pip --python /opt/ocpi-party install --require-hashes -r requirements-runtime.lock
COPY pyproject.toml README.md LICENSE alembic.ini ./
COPY migrations migrations
COPY examples examples
COPY src src
RUN tools/bin/pip wheel --no-index --no-deps --no-build-isolation --wheel-dir dist . \
    && tools/bin/pip --python /opt/ocpi-party install --no-index --no-deps dist/*.whl

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="ocpi-party" \
      org.opencontainers.image.description="OCPI 2.2.1 party server" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin ocpi \
    && install --directory --owner=ocpi --group=ocpi --mode=0700 /data
COPY --from=build /opt/ocpi-party /opt/ocpi-party
ENV PATH=/opt/ocpi-party/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    HOST=0.0.0.0 PORT=8000 OCPI_DATA_DIR=/data
USER 10001
EXPOSE 8000
# A worker serves no HTTP: it is given a file to touch as long as it does its work. The others are asked.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["sh", "-c", "if [ -n \"$OCPI_HEARTBEAT_FILE\" ]; then test -n \"$(find \"$OCPI_HEARTBEAT_FILE\" -newermt '30 seconds ago')\"; else python -c \"import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/health/live', timeout=4)\"; fi"]
ENTRYPOINT ["ocpi-party"]
CMD ["api"]
