"""What `tauri-plugin-hotswap` 0.0.4 does with what it gets: its rules, pure, in its own words.

`check` goes from an answer to the verdict that the page sees, `start` from the plugin's folder to what the next launch
runs. The texts, the order of the rules and the events are those of the plugin's `resolver.rs`, `updater.rs`,
`policy.rs` and `error.rs`; `tests/real_client` asks the real one about every row.
"""

from hotswap_dev.domain.plugin.check import (
    Answered,
    Dropped,
    LifecycleEvent,
    Unanswered,
    Verdict,
    insecure_url,
    read_manifest,
    verdict,
)
from hotswap_dev.domain.plugin.start import (
    Cached,
    Folder,
    Policies,
    Start,
    activated,
    confirmed,
    downloaded,
    read_policies,
    rolled_back,
    started,
)

__all__ = [
    "Answered",
    "Cached",
    "Dropped",
    "Folder",
    "LifecycleEvent",
    "Policies",
    "Start",
    "Unanswered",
    "Verdict",
    "activated",
    "confirmed",
    "downloaded",
    "insecure_url",
    "read_manifest",
    "read_policies",
    "rolled_back",
    "started",
    "verdict",
]
