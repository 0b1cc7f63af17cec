# Two stages, so that the image holds Python, the locked dependencies and monitor/, and nothing that built them.
FROM python:3.13-slim AS build
COPY requirements.lock /tmp/
RUN python -m venv /opt/order-monitor \
 && /opt/order-monitor/bin/pip install --no-cache-dir --require-hashes -r /tmp/requirements.lock \
 && /opt/order-monitor/bin/pip uninstall --yes pip
COPY monitor /opt/order-monitor/lib/python3.13/site-packages/monitor
RUN printf '#!/opt/order-monitor/bin/python\nimport sys\nfrom monitor.cli import main\nsys.exit(main())\n' \
      > /opt/order-monitor/bin/order-monitor \
 && chmod +x /opt/order-monitor/bin/order-monitor \
 && /opt/order-monitor/bin/python -m compileall -q /opt/order-monitor/lib

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/order-monitor --create-home monitor
COPY --from=build /opt/order-monitor /opt/order-monitor
ENV PATH=/opt/order-monitor/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    MONITOR_CONFIG=/etc/order-monitor/monitor.yaml
USER 10001
VOLUME /var/lib/order-monitor
WORKDIR /var/lib/order-monitor
EXPOSE 8080
# Judges by the state alone, at a tenth of a second of CPU. The start may migrate a state, and reads each source once.
HEALTHCHECK --interval=30s --timeout=10s --start-period=2m --retries=3 CMD ["order-monitor", "health"]
ENTRYPOINT ["order-monitor"]
CMD ["run"]
