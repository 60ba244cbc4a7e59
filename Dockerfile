FROM python:3.11-slim AS build
COPY requirements.lock .
# Every file by its hash, and nothing that builds itself here.
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --only-binary :all: -r requirements.lock

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin gateway
COPY --from=build /venv /venv
WORKDIR /app
COPY . .
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1
# The settings need these two to load; nothing is contacted and neither stays in the image.
RUN SECRET_KEY=build DATABASE_URL=postgresql://build python manage.py collectstatic --noinput \
    && python -m compileall -q .
USER gateway
EXPOSE 8001
# SIGTERM lets running calls finish, which takes up to 20 s, and then writes the ledger out: docker stop -t 30.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8001/health', timeout=2)"]
CMD ["python", "-m", "llmgateway.serve", "--host", "0.0.0.0", "--port", "8001"]
