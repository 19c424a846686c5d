"""How gunicorn runs the site: a few processes with threads, no control socket, no visitors' addresses in logs."""

from guidance.config import load

_settings = load()

bind = _settings.bind
workers = _settings.workers
worker_class = "gthread"
threads = 8
timeout = 30
graceful_timeout = 20
keepalive = 15
max_requests = 50_000
max_requests_jitter = 5_000
limit_request_line = 8190
preload_app = True  # one import for all workers; they share its memory
control_socket_disable = True
accesslog = None
errorlog = "-"
forwarded_allow_ips = "127.0.0.1"
