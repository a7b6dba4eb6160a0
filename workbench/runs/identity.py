"""The run id: a readable name and a hash of all that determines the result."""

import re

from workbench.base.hashing import hash_json
from workbench.runs.config import RunConfig


def run_id(config: RunConfig) -> str:
    """`<scene>-<model>-<view>-<protocol>-<10 hexadecimal digits>`.

    An ensemble of 5 has `x5` after its model, answers over eight turns `tta`. Where the epoch was chosen on test, `paper`
    stands in the protocol's place. The hash is over the whole configuration: scene content, split, recipe, threads,
    precision and the result versions of the rooms. Versions of libraries are recorded in the run, not hashed; of starting
    weights what they are counts, not where they lie.
    """
    model = config.model + (f" x{config.members}" if config.members > 1 else "") + (" tta" if config.tta else "")
    chosen_on_test = config.chosen_on == "test"
    words = (config.scene, model, config.view, "paper" if chosen_on_test else config.split.protocol)
    readable = "-".join(re.sub(r"[^a-z0-9]+", "_", word.lower()).strip("_") for word in words)
    counted = config.model_dump(mode="json", exclude={"init": {"source"}})
    if not chosen_on_test:  # so that runs from before there was a choice keep their ids
        del counted["chosen_on"]
    return f"{readable}-{hash_json(counted)[:10]}"
