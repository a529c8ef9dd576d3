# A release names its base by digest: docker build --build-arg BASE=python:3.11-slim-bookworm@sha256:… .
ARG BASE=python:3.11-slim-bookworm
FROM ${BASE}

ENV PREFIX=/opt/primum \
    DATA=/var/lib/primum \
    OWNER=10001:10001 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1

COPY . /src
RUN SOURCE=/src sh /src/docker/install.sh \
    && cp /src/docker/entrypoint.sh /src/docker/healthy.py /usr/local/bin/ \
    && rm -rf /src

# Nothing is written outside DATA and /tmp, so the root may be read-only: --read-only --tmpfs /tmp.
ENV PATH=/opt/primum/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    MPLCONFIGDIR=/tmp/matplotlib
WORKDIR /var/lib/primum
VOLUME /var/lib/primum
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["python", "/usr/local/bin/healthy.py"]
ENTRYPOINT ["sh", "/usr/local/bin/entrypoint.sh"]
CMD ["web"]
