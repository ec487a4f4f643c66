# repalign in a container, in the versions that are tested; docs/cluster.md shows its use.
#
#   docker build --tag repalign .                                                                  # CPU
#   docker build --tag repalign --build-arg TORCH=https://download.pytorch.org/whl/cu128 .         # NVIDIA
#   docker run --rm --gpus all --volume $HOME/.cache/repalign:/home/user/repalign repalign layers --ckpt m-llama
FROM python:3.11-slim

ARG TORCH=https://download.pytorch.org/whl/cpu
ARG EXTRAS=eval,gguf

WORKDIR /opt/repalign
COPY tests/constraints/tested.txt tests/constraints/tested.txt
# The largest layer, which changes least, comes first.
RUN python -m pip install --no-cache-dir --upgrade --constraint tests/constraints/tested.txt pip \
    && python -m pip install --no-cache-dir --constraint tests/constraints/tested.txt --index-url "$TORCH" torch

COPY pyproject.toml setup.py README.md LICENSE ./
COPY repalign repalign
COPY training training
RUN python -m pip install --no-cache-dir --constraint tests/constraints/tested.txt \
      --build-constraint tests/constraints/tested.txt ".[$EXTRAS]"

# Nothing runs as root; states, answers and trained checkpoints go to a volume.
RUN useradd --create-home user && mkdir /home/user/repalign && chown user /home/user/repalign
USER user
WORKDIR /home/user
ENV REPALIGN_HOME=/home/user/repalign
VOLUME /home/user/repalign

ENTRYPOINT ["repalign"]
CMD ["--help"]
