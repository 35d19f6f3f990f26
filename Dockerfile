# alpha-lightning as an image, for processors only:
#   docker build -t alpha-lightning .
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD/data:/home/alpha/data" -v "$PWD/runs:/home/alpha/runs" \
#     alpha-lightning study run configs/studies/daily.yaml --source.daily data/daily.parquet
#
# With a GPU either take PyPI's torch, which brings CUDA itself:
#   docker build -t alpha-lightning --build-arg TORCH_INDEX=https://pypi.org/simple .
# or a base image that brings its own torch, and leave out "-c constraints.txt" below to keep that one:
#   docker build -t alpha-lightning --build-arg BASE=pytorch/pytorch:TAG-runtime .
# and add "--gpus all" to docker run. On a Ray cluster, on which every node needs the package, add
#   --build-arg EXTRAS=[ray]
ARG BASE=python:3.11-slim
FROM ${BASE}
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ARG EXTRAS=

# LightGBM's wheel uses the system's OpenMP.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /usr/src/alpha_lightning
COPY pyproject.toml constraints.txt README.md ./
COPY alpha_lightning alpha_lightning
RUN pip install --no-cache-dir --extra-index-url "${TORCH_INDEX}" -c constraints.txt ".${EXTRAS}"

RUN useradd --create-home alpha
USER alpha
WORKDIR /home/alpha
COPY --chown=alpha configs configs
# Whatever user it runs as, there is a place for matplotlib's font cache.
ENV MPLCONFIGDIR=/tmp/matplotlib
ENTRYPOINT ["alpha-lightning"]
CMD ["--help"]
