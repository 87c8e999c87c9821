# An image of the single file. Build the release first: python -m tools.release
FROM python:3.13-slim
COPY dist/kabelwerk.pyz /usr/local/bin/kabelwerk
RUN useradd --create-home kabelwerk
USER kabelwerk
ENTRYPOINT ["kabelwerk"]
