# One image for every process of ocpi-party: api (default), worker, migrate and the rest of the command line.
ARG PYTHON_IMAGE=python:3.13-slim-trixie

FROM ${PYTHON_IMAGE} AS build
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
COPY requirements.lock pyproject.toml ./
RUN python -m venv /build/tools \
    && awk '/^(uv|setuptools)==/ { found = 1 } found { print } found && !/\\$/ { found = 0 }' requirements.lock > tools.lock \
    && /build/tools/bin/python -m pip install --require-hashes -r tools.lock
# The lock holds the development tools too: keep the blocks of what the program itself needs, hashes and all.
RUN /build/tools/bin/uv pip compile --quiet --no-header --no-annotate --constraint requirements.lock pyproject.toml > needed.txt \
    && awk -F '==' 'FNR == NR { needed[$1]; next } /^[^ ]/ { keep = ($1 in needed) } keep' needed.txt requirements.lock > needed.lock \
    && python -m venv --without-pip /opt/ocpi-party \
    && /build/tools/bin/uv pip sync --no-cache --python /opt/ocpi-party/bin/python --require-hashes needed.lock
COPY README.md LICENSE alembic.ini ./
COPY migrations migrations
COPY examples examples
COPY src src
RUN /build/tools/bin/python -c "import setuptools.build_meta as b; print(b.build_wheel('/build'))" \
    && /build/tools/bin/uv pip install --no-cache --python /opt/ocpi-party/bin/python --no-deps /build/*.whl

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="ocpi-party" \
      org.opencontainers.image.description="OCPI 2.2.1 party server" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin ocpi \
    && install --directory --owner=ocpi --group=ocpi --mode=0700 /data
COPY --from=build /opt/ocpi-party /opt/ocpi-party
WORKDIR /data
ENV PATH=/opt/ocpi-party/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    HOST=0.0.0.0 PORT=8000 OCPI_DATA_DIR=/data
USER 10001
EXPOSE 8000
# A worker serves no HTTP: docker-compose.yml switches this check off for it.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f\"http://127.0.0.1:{os.environ['PORT']}/health/live\", timeout=4)"]
ENTRYPOINT ["ocpi-party"]
CMD ["api"]
