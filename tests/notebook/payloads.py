"""Sixty texts that would run a script where they aren't escaped."""

from __future__ import annotations

HIT = "window.hit=1"

_TAGS = (
    f"<script>{HIT}</script>",
    f"<img src=x onerror={HIT}>",
    f"<svg onload={HIT}>",
    f"<svg><script>{HIT}</script></svg>",
    f"<iframe srcdoc='<script>parent.{HIT}</script>'></iframe>",
    f"<body onload={HIT}>",
    f"<details open ontoggle={HIT}>x</details>",
    f"<input autofocus onfocus={HIT}>",
    f"<video><source onerror={HIT}></video>",
    f"<a href='javascript:{HIT}' autofocus>x</a>",
    f"<math><mtext><style><img src=x onerror={HIT}></style></mtext></math>",
    f"<object data='javascript:{HIT}'></object>",
    f"<marquee onstart={HIT}>x</marquee>",
    f"<ScRiPt>{HIT}</sCrIpT>",
    f"<img src=x onerror\t=\n{HIT}>",
    f"&lt;script&gt;{HIT}&lt;/script&gt;<img src onerror={HIT}>",
    f"\ufeff<script>{HIT}</script>",
    f"{{{{constructor.constructor('{HIT}')()}}}}<img src=x onerror={HIT}>",
    f"<!--><img src=x onerror={HIT}>-->",
    f"<style>@import 'x';</style><img src=x onerror={HIT}>",
)
_BEFORE = ("", '"></td></style></pre></title>', "' onmouseover='window.hit=1' x='")

PAYLOADS = [before + tag for before in _BEFORE for tag in _TAGS]
