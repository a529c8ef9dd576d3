# A release names its base by digest: docker build --build-arg BASE=python:3.11-slim-bookworm@sha256:… .
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS installed
ENV PREFIX=/opt/primum \
    DATA=/var/lib/primum \
    OWNER=10001:10001 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1
COPY . /src
RUN sh /src/docker/install.sh

FROM ${BASE}
COPY --from=installed /opt/primum /opt/primum
COPY --from=installed --chown=10001:10001 /var/lib/primum /var/lib/primum
COPY docker/entrypoint.sh docker/healthy.py /usr/local/lib/primum/

# Nothing is written outside /var/lib/primum and /tmp, so the root may be read-only: --read-only --tmpfs /tmp.
ENV PATH=/opt/primum/bin:$PATH \
    HOME=/tmp \
    MPLCONFIGDIR=/tmp/matplotlib \
    PYTHONUNBUFFERED=1 \
    PRIMUM_DATABASE_URL=sqlite:////var/lib/primum/primum.db
WORKDIR /var/lib/primum
VOLUME /var/lib/primum
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
# For the role web; a worker or a migration is started with --no-healthcheck.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["python", "/usr/local/lib/primum/healthy.py"]
ENTRYPOINT ["sh", "/usr/local/lib/primum/entrypoint.sh"]
CMD ["web"]
