# The worker image for --runner=Dataflow and other distributed runners: Beam's SDK harness with this package.
# Build: docker build -t IMAGE . ; not yet built in CI.
FROM apache/beam_python3.11_sdk:2.77.0
WORKDIR /app
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY schemas schemas
COPY dedup dedup
COPY model model
COPY pipeline pipeline
RUN pip install --no-cache-dir -c constraints.txt '.[model,gcp]'
