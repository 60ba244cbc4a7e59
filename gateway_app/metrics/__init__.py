"""What Prometheus is told, at `GET /metrics`.

    service ─ observe(record) ─> instruments ─┐
    asgi ─ counted ─> instruments             ├─> files that the workers of one server share ─> page
    sampled(gateway), every second ─> gauges ─┘                          Redis, at the scrape ─> page

Why files (prometheus-client's multiprocess mode): a scrape reaches one worker and must tell of all. Figures
in mapped files cost what they cost in memory, outlive a killed worker and need no Redis, which may be what is
wrong. Each worker takes a free slot of its server, so that restarts continue files and leave none behind.
"""
