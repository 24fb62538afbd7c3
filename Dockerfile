# The service in a container. Kept simple on purpose, and not run in CI: what CI proves is the package inside it.
FROM node:22-slim AS ui
WORKDIR /app
COPY ui ui
RUN npm --prefix ui ci --no-audit --no-fund && npm --prefix ui run build

FROM python:3.12-slim

WORKDIR /app
COPY requirements/run.txt requirements/run.txt
RUN pip install --no-cache-dir --require-hashes -r requirements/run.txt
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY src src
COPY --from=ui /app/src/tallystick/web/_ui src/tallystick/web/_ui
RUN pip install --no-cache-dir --no-build-isolation --no-deps .

RUN useradd --create-home --uid 10001 tallystick && install -d -o tallystick /data
USER tallystick
WORKDIR /data
ENV DATABASE_URL=sqlite:////data/tallystick.db PYTHONUNBUFFERED=1
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
CMD ["tallystick", "serve", "--host", "0.0.0.0"]
