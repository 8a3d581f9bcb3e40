"""How an answer is judged from the switch on."""

from __future__ import annotations

from bluegreen.host.answer import Answer
from bluegreen.remote import limits

# What nginx answers by itself where it lets no request through to the slot: allow and deny, auth_basic,
# limit_req and limit_conn (ngx_http_limit_req_module, limit_req_status).
_KEPT_OUT = (401, 403, 429, 503)


def answered_well(code: int, *, strict: bool) -> bool:
    """Whether an application answered through nginx, and without an error.

    Args:
        strict: the application is known to have the path; else 404 is good enough.
    """
    return 200 <= code < 400 if strict else 100 <= code < 500


def kept_out(code: int) -> bool:
    """Whether nginx may have answered by itself, without the slot."""
    return code in _KEPT_OUT


def answer_within_s(before: Answer | None) -> float:
    """Seconds that an answer may take from the switch on.

    Args:
        before: the slot's last UP before the switch, if there was one.
    """
    usual_s = before.took_ms / 1000 if before else 0.0
    return min(max(limits.WATCH_ANSWER_S, limits.WATCH_SLOWER_TIMES * usual_s), limits.HEALTH_ANSWER_S)
