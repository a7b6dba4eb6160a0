"""What is kept after an epoch: history, and which epoch is the best."""

import pytest

from workbench.training.recorder import RunRecorder


def rows(*scores):
    """One row per epoch from pairs of validation AA and loss."""
    return [{"epoch": n, "validation_aa": aa, "validation_loss": loss} for n, (aa, loss) in enumerate(scores, 1)]


def recorded(tmp_path, *scores):
    kept = RunRecorder(tmp_path)
    kept.load_state_dict({"rows": rows(*scores)})
    return kept


@pytest.mark.parametrize(
    ("scores", "best"),
    [
        ([(0.5, 1.0)], 1),
        ([(0.5, 1.0), (0.7, 2.0), (0.6, 0.1)], 2),
        ([(0.7, 1.0), (0.7, 0.5), (0.7, 0.8)], 2),  # among equals the lowest loss
        ([(0.7, 0.5), (0.7, 0.5)], 1),  # and then the first
        ([(None, None), (None, None), (None, None)], 3),  # without validation the last
    ],
)
def test_the_best_epoch(tmp_path, scores, best):
    assert recorded(tmp_path, *scores).best_epoch == best


def test_patience_counts_from_the_best_epoch(tmp_path):
    scores = [(0.5, 1.0), (0.9, 1.0), (0.8, 1.0), (0.7, 1.0)]
    assert not recorded(tmp_path, *scores[:3]).worn_out(2)
    assert recorded(tmp_path, *scores).worn_out(2)
    assert not recorded(tmp_path, *scores).worn_out(3)
    assert not recorded(tmp_path, *scores).worn_out(None)
    assert not recorded(tmp_path).worn_out(1)
    assert not recorded(tmp_path, (None, None), (None, None)).worn_out(1)


def test_the_state_survives_a_checkpoint(tmp_path):
    kept = recorded(tmp_path, (0.5, 1.0), (0.6, 0.9))
    again = RunRecorder(tmp_path)
    again.load_state_dict(kept.state_dict())
    assert again.rows == kept.rows
    again.rows.append({})
    assert len(kept.rows) == 2
