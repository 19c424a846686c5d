"""How gunicorn runs the site: a few processes with threads, no control socket, no visitors' addresses in logs."""

import ctypes
import gc

from guidance.config import load

M_ARENA_MAX = -8  # of glibc's malloc.h

_settings = load()
_allocator = ctypes.CDLL(None)
if hasattr(_allocator, "mallopt"):
    # With a heap for every thread, what a new index or a report leaves behind is used by no other: a sixth more memory.
    _allocator.mallopt(M_ARENA_MAX, 2)

bind = _settings.bind
workers = _settings.workers
worker_class = "guidance.worker.Worker"
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


def when_ready(_server: object) -> None:
    """Make the checkers of content before workers are forked: they share them, and no visitor waits for them."""
    from guidance.catalogue.shapes import GuidanceFacts, GuidanceWords, Source
    from guidance.guides.shapes import Content, Facts, Words

    for shape in (GuidanceFacts, GuidanceWords, Source, Content, Facts, Words):
        shape.model_rebuild()
    gc.freeze()
