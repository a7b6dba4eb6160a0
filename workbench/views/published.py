"""What publications report on the scene of a run, beside the run, each with its protocol."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workbench.runs.published import published
from workbench.runs.words import caution
from workbench.views.picture import table_html
from workbench.views.scores import network_title

if TYPE_CHECKING:
    import pandas as pd

OURS, THEIRS = "this workbench", "publication"


def published_table(metrics: Mapping[str, Any]) -> "pd.DataFrame":
    """The run beside published figures on its scene: whose each is, its scores in percent, its protocol, its source.

    Empty where no figure on the scene is verified.
    """
    import pandas as pd

    columns = ["figure of", "method", "OA %", "AA %", "kappa x 100", "protocol", "source"]
    theirs = published(metrics["scene"])
    if not theirs or metrics["test"] is None:
        return pd.DataFrame(columns=columns)
    cells = [f"{100 * metrics['test'][key]:.2f}" for key in ("oa", "aa", "kappa")]
    protocol = ", ".join(filter(None, (f"{metrics['protocol']} split", caution(metrics))))
    rows = [[OURS, network_title(metrics), *cells, protocol, ""]]
    rows += [[THEIRS, one.method, *one.cells(), one.protocol, one.source] for one in theirs]
    return pd.DataFrame(rows, columns=columns)


def published_html(metrics: Mapping[str, Any]) -> str:
    """`published_table` with a line that says what it is, folded away: HTML, empty for scenes without such figures."""
    frame = published_table(metrics)
    if not len(frame):
        return ""
    words = (
        "Not made with this workbench. They compare only with a score of the same protocol: an epoch chosen on test "
        "flatters, and a random split measures position."
    )
    return (
        '<details class="wb-details"><summary>Published figures on this scene</summary>'
        f'<p class="wb-note amber">{words}</p>{table_html(frame, False)}</details>'
    )
