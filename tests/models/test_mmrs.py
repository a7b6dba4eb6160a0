"""MMRS-style: answers with a role absent, that do not hang on the batch; a game between generators and judges."""

import pytest
import torch

from workbench.base.errors import WorkbenchError
from workbench.models import create_model
from workbench.models.mmrs import KEPT, PROTOTYPES


def build(**options):
    torch.manual_seed(0)
    model = create_model("mmrs", {"hsi": 5, "aux": 1}, 3, 0.1, **options)
    generator = torch.Generator().manual_seed(1)
    inputs = {role: torch.randn(12, bands, 11, 11, generator=generator) for role, bands in model.inputs.items()}
    return model, inputs, torch.arange(12) % 3


def taught(**options):
    model, inputs, targets = build(**options)
    for _ in range(3):
        model.train().learn(inputs, targets, "patch")
    return model.eval(), inputs


@pytest.mark.parametrize("roles", [("hsi", "aux"), ("hsi",), ("aux",)])
def test_a_pixel_does_not_hang_on_its_batch(roles):
    model, inputs = taught()
    given = {role: inputs[role] for role in roles}
    assert (model.filled > 0).sum() == 12 * 3  # four of each class and step: the graph takes part
    with torch.inference_mode():
        together = model(given).logits
        alone = torch.cat([model({role: values[[n]] for role, values in given.items()}).logits for n in range(12)])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-5)


def test_an_absent_role_changes_the_answer_and_needs_generation():
    model, inputs = taught()
    with torch.inference_mode():
        whole, half = model(inputs).logits, model({"hsi": inputs["hsi"]}).logits
    assert not torch.allclose(whole, half, atol=1e-4)
    plain, inputs = taught(generation=False)
    with pytest.raises(WorkbenchError, match="aux"):
        plain({"hsi": inputs["hsi"]})


@pytest.mark.parametrize("part", ["generation", "attention", "graph"])
def test_each_part_can_be_left_out(part):
    whole, _, _ = build()
    model, inputs, targets = build(**{part: False})
    assert sum(p.numel() for p in model.parameters()) < sum(p.numel() for p in whole.parameters())
    output = model.learn(inputs, targets, "patch")
    assert bool(output.losses) == (part != "generation")
    assert (output.adversary is None) == (part == "generation")
    assert torch.isfinite(output.logits).all()


def test_enhancement_starts_at_nothing():
    model, inputs, _ = build()
    found = {role: model._extractor(role)(inputs[role], False).flatten(1) for role in model.roles}
    hsi, aux, better_hsi, better_aux = model._tokens(found)
    torch.testing.assert_close(hsi, better_hsi)
    torch.testing.assert_close(aux, better_aux)


def test_the_judges_loss_reaches_the_judges_alone():
    model, inputs, targets = build()
    model.learn(inputs, targets, "patch").adversary.backward()
    judges = {id(parameter) for parameter in model.adversaries()}
    reached = {id(parameter) for parameter in model.parameters() if parameter.grad is not None}
    assert reached == judges


def test_answers_from_one_role_are_taught_by_the_recipes_loss():
    model, inputs, targets = build()
    asked = []

    def loss(logits, wanted):
        asked.append((tuple(logits.shape), wanted.tolist()))
        return logits.sum() * 0 + 3.0

    output = model.learn(inputs, targets, "patch", loss)
    assert output.losses["one_role"].item() == pytest.approx(0.5 * (3 + 3))
    assert asked == [((len(targets), model.classes), targets.tolist())] * 2


def test_pixels_that_do_not_count_teach_nothing():
    model, inputs, targets = build()
    output = model.learn(inputs, torch.full_like(targets, -1), "patch")
    assert not output.losses
    assert output.adversary is None
    assert not (model.filled > 0).any()


def test_prototypes_are_taught_pixel_by_pixel():
    """Four pixels of a class and step, one after the other: empty prototypes first, then the nearest moves."""
    model, _, _ = build()
    generator = torch.Generator().manual_seed(3)
    bank, filled = [[] for _ in range(3)], [[] for _ in range(3)]
    for step in range(9):
        targets = torch.randint(0, 2 if step == 4 else 3, (14,), generator=generator)  # once, a class is absent
        features = torch.randn(14, model.size, generator=generator)
        model._remember(features, targets)
        for kind in range(3):
            for feature in features[targets == kind][:4]:
                if len(bank[kind]) < PROTOTYPES:
                    bank[kind].append(feature.clone())
                    filled[kind].append(1)
                else:
                    place = int(((torch.stack(bank[kind]) - feature) ** 2).sum(1).argmin())
                    bank[kind][place] = KEPT * bank[kind][place] + (1 - KEPT) * feature
                    filled[kind][place] += 1
    assert max(max(counts) for counts in filled) > 1  # banks were full
    for kind in range(3):
        mine = slice(kind * PROTOTYPES, (kind + 1) * PROTOTYPES)
        assert model.filled[mine].tolist() == filled[kind] + [0] * (PROTOTYPES - len(filled[kind]))
        torch.testing.assert_close(model.prototypes[mine][: len(bank[kind])], torch.stack(bank[kind]))
        assert not model.prototypes[mine][len(bank[kind]) :].any()


def test_empty_prototypes_take_no_part():
    model, inputs = taught()
    empty = model.filled == 0
    with torch.inference_mode():
        before = model(inputs).logits
        model.prototypes[empty] = 9 * torch.randn(int(empty.sum()), model.size)
        torch.testing.assert_close(model(inputs).logits, before, rtol=0, atol=1e-6)
        model.prototypes[~empty] += 1
        assert not torch.allclose(model(inputs).logits, before, atol=1e-4)


def test_without_prototypes_a_pixel_stands_alone():
    model, _, _ = build()
    queries = torch.randn(5, model.size)
    torch.testing.assert_close(model._convolved(queries), model.second(model.first(queries).relu()))
