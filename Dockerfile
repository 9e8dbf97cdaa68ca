# syntax=docker/dockerfile:1
#
# Repose as a server over HTTP (`repose serve`), or as the command.
#
#   docker build --target cpu -t repose .            # about 2 GB
#   docker build --target cuda -t repose:cuda .      # for NVIDIA cards; needs the NVIDIA Container Toolkit to run
#   docker run --rm -p 127.0.0.1:8000:8000 repose
#   docker run --rm -v "$PWD:/work" -w /work repose transfer me.jpg dancer.jpg -o me_dancing.png
#
# FETCH says which networks of other people lie in the image (`repose fetch --list`); empty: none, the image needs no
# network when it is built then, and REPOSE_FILES or the cache brings them.

# -- the wheels of this checkout ----------------------------------------------------------------------------------------

FROM python:3.12.11-slim-bookworm AS wheels
WORKDIR /build
COPY pyproject.toml README.md LICENSE ./
COPY src src
COPY weights weights
COPY packages packages
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels . ./packages/weights

# -- environments: the PyTorch of the target first, which nothing replaces afterwards ------------------------------------

FROM python:3.12.11-slim-bookworm AS environment-cpu
ARG TORCH=torch==2.13.0
RUN python -m venv /opt/repose \
 && /opt/repose/bin/pip install --no-cache-dir --index-url https://download.pytorch.org/whl/cpu "$TORCH" \
 && echo "$TORCH" > /constraints.txt
COPY --from=wheels /wheels /wheels
RUN set -- /wheels/pose_transfer-*.whl \
 && /opt/repose/bin/pip install --no-cache-dir -c /constraints.txt "$1[estimate,heic,serve,video]" \
    /wheels/pose_transfer_weights-*.whl

FROM python:3.12.11-slim-bookworm AS environment-cuda
ARG TORCH=torch==2.13.0
RUN python -m venv /opt/repose \
 && /opt/repose/bin/pip install --no-cache-dir --index-url https://download.pytorch.org/whl/cu126 "$TORCH" \
 && echo "$TORCH" > /constraints.txt
COPY --from=wheels /wheels /wheels
RUN set -- /wheels/pose_transfer-*.whl \
 && /opt/repose/bin/pip install --no-cache-dir -c /constraints.txt "$1[estimate,heic,serve,video]" \
    /wheels/pose_transfer_weights-*.whl

# -- what runs: no compiler, no root -------------------------------------------------------------------------------------

FROM python:3.12.11-slim-bookworm AS runtime
RUN useradd --uid 10001 --user-group --create-home repose \
 && install -d -o repose -g repose /var/cache/repose
ENV PATH=/opt/repose/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    REPOSE_CACHE=/var/cache/repose \
    NUMBA_CACHE_DIR=/var/cache/repose/numba
# the number, so that Kubernetes sees that it is not root
USER 10001:10001
WORKDIR /home/repose
EXPOSE 8000
# the server answers to the name of this machine whatever other names it was given
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["repose"]
# inside the container all addresses; which of the host's are open, `docker run -p` says
CMD ["serve", "--host", "0.0.0.0"]

FROM runtime AS cuda
COPY --from=environment-cuda /opt/repose /opt/repose
ARG FETCH=photographs
# brings the networks, compiles the loops, and ends the build if a transfer fails
RUN if [ -n "$FETCH" ]; then repose fetch $FETCH; fi && repose doctor --try

# the last target is the default
FROM runtime AS cpu
COPY --from=environment-cpu /opt/repose /opt/repose
ARG FETCH=photographs
RUN if [ -n "$FETCH" ]; then repose fetch $FETCH; fi && repose doctor --try
