"""All systems on one scene with one training budget: mean and standard deviation over seeds, with the controls.

Run ``python benchmarks/systems.py terramesh`` (AMM-FuseNet and its six baselines; folds over chips, pooled; agreement
with a map, not accuracy), ``idtrees2020`` (patch networks and pixel models; groups apart) or ``demo`` (all models, blocks).
Import the first two before: ``workbench import NAME --from FOLDER``. Every network is trained for the same number of
steps with the recipe `common`, without validation: nothing is chosen. Networks over patches run in their dense view, on
fewer and smaller tiles than those over tiles. Runs are kept as any run is, so that the same
command again prints the table at once. ``--protocol random --models fusatnet selfloop random_forest`` shows how far a
random split flatters: compare with the same models under the plan's own protocol, or another. Splits keep other classes;
``--shared groups`` scores only test pixels of the classes that the split by groups of the same seed keeps.
"""

import argparse
import statistics
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import Any

from workbench.analysis import confusion_matrix, scores

TILES = ("ammfusenet", "deeplabv3plus", "pspnet", "unet", "segnet", "denseaspp", "danet")
PATCHES = ("fusatnet", "selfloop", "mmrs", "mft")
PIXELS = ("svm", "random_forest", "knn")
SMALL_TILES = {"tile": 24, "tile_batch": 4}
"""Of networks over patches in their dense view: FusAtNet would need an hour for the steps on 8 tiles of 64 x 64."""


@dataclass(frozen=True)
class Plan:
    """What is run on a scene.

    Attributes:
        models: Names.
        protocol: Of the split.
        folds: Number of folds of a seed, pooled; 1 for one split a seed.
        parameters: Of the protocol.
        image: Modality that plays `hsi` or `image`.
        aux: Modalities that play `aux`.
        width: Of the networks.
        steps: Of every training.
        shared: Protocol whose classes alone are scored; None scores all.
    """

    models: tuple[str, ...]
    protocol: str
    folds: int
    parameters: dict[str, Any]
    image: str
    aux: tuple[str, ...]
    width: float
    steps: int
    shared: str | None = None


PLANS = {
    "terramesh": Plan(TILES, "groups", 4, {"leave_out": ["clouds"], "min_pixels": 1}, "msi", ("sar", "dem"), 0.25, 150),
    "idtrees2020": Plan(PATCHES + PIXELS, "groups", 1, {}, "hsi", ("lidar",), 0.25, 150),
    "demo": Plan(PATCHES + PIXELS + TILES, "blocks", 1, {}, "hsi", ("lidar", "sar"), 0.125, 150),
}


def one(scene: str, plan: Plan, model: str, seed: int, fold: int) -> dict[str, Any]:
    """Scores of one run."""
    from workbench.experiments import train
    from workbench.models import model_class
    from workbench.scenes import open_scene
    from workbench.splits import make_split

    parameters = {**plan.parameters, "validation_fraction": 0.0}
    if plan.folds > 1:
        parameters |= {"folds": plan.folds, "fold": fold}
    opened = open_scene(scene)
    split = make_split(opened, plan.protocol, 11, seed, **parameters)
    roles = model_class(model).roles
    inputs = {roles[0]: plan.image, "aux": list(plan.aux)}
    network = model not in PIXELS
    run = train(
        opened,
        model,
        inputs,
        split,
        view="dense" if network else None,
        recipe="common",
        width=plan.width if network else 1.0,
        seed=seed,
        threads=1,
        progress=False,
        **({"steps": plan.steps} if network else {}),
        **(SMALL_TILES if model in PATCHES else {}),
    )
    metrics = run.metrics
    if plan.shared:
        # defaults, for parameters are those of the plan's own protocol
        kept = make_split(opened, plan.shared, 11, seed, leave_out=parameters.get("leave_out", [])).classes
        test = run.predictions.query("set == 'test'")
        test = test[test["reference"].isin(kept)]
        classes = metrics["test"]["classes"]
        metrics["test"] = scores(confusion_matrix(test["reference"], test["predicted"], classes), classes).to_dict()
    print(f"{model} {plan.protocol} seed {seed} fold {fold}: {100 * metrics['test']['oa']:.1f} %", flush=True)
    return {"model": model, "seed": seed, "metrics": metrics}


def rows(found: list[dict[str, Any]]) -> Iterator[tuple[str, list[dict[str, float]], dict[str, Any]]]:
    """Each model's pooled scores by seed, and the figures of its last training; the controls first."""
    seeds = sorted({entry["seed"] for entry in found})
    first = [entry for entry in found if entry["model"] == found[0]["model"]]
    for control in first[0]["metrics"]["controls"]:
        by_seed = []
        for seed in seeds:
            mine = [entry["metrics"] for entry in first if entry["seed"] == seed]
            pixels = [sum(metrics["test"]["support"]) for metrics in mine]
            by_seed.append(
                {
                    key: sum(n * m["controls"][control][key] for n, m in zip(pixels, mine, strict=True)) / sum(pixels)
                    for key in ("oa", "aa", "kappa")
                }
            )
        yield f"control: {control.replace('_', ' ')}", by_seed, {}
    for model in dict.fromkeys(entry["model"] for entry in found):
        by_seed = []
        for seed in seeds:
            mine = [e["metrics"]["test"] for e in found if e["model"] == model and e["seed"] == seed]
            pooled = scores(sum_of([test["confusion"] for test in mine]), mine[0]["classes"])
            by_seed.append({"oa": pooled.oa, "aa": pooled.aa, "kappa": pooled.kappa, "miou": pooled.miou})
        training = next(e["metrics"]["training"] for e in found if e["model"] == model)
        yield model, by_seed, training


def sum_of(matrices: list[list[list[int]]]) -> Any:
    import numpy as np

    return np.sum([np.asarray(matrix) for matrix in matrices], axis=0)


def cell(values: list[float]) -> str:
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.mean(values):.1f} ({spread:.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scene", choices=list(PLANS))
    parser.add_argument("--seeds", type=int, default=3, help="splits and trainings, each with its own seed")
    parser.add_argument("--jobs", type=int, default=2, help="trainings at a time, one thread each")
    parser.add_argument("--models", nargs="+", help="instead of those of the plan")
    parser.add_argument("--protocol", help="instead of that of the plan, without folds")
    parser.add_argument("--steps", type=int, help="of every training, instead of those of the plan")
    parser.add_argument("--shared", help="score only classes that the split of this protocol keeps; not the controls")
    arguments = parser.parse_args()
    plan = PLANS[arguments.scene]
    if arguments.models:
        plan = replace(plan, models=tuple(arguments.models))
    if arguments.steps:
        plan = replace(plan, steps=arguments.steps)
    if arguments.protocol and arguments.protocol != plan.protocol:
        kept = {key: value for key, value in plan.parameters.items() if key == "leave_out"}
        plan = replace(plan, protocol=arguments.protocol, folds=1, parameters=kept)
    plan = replace(plan, shared=arguments.shared)
    asked = [
        (arguments.scene, plan, model, seed, fold)
        for seed in range(arguments.seeds)
        for model in plan.models
        for fold in range(plan.folds)
    ]
    with ProcessPoolExecutor(arguments.jobs, mp_context=get_context("spawn")) as pool:
        found = list(pool.map(one, *zip(*asked, strict=True)))
    words = "agreement with the map" if found[0]["metrics"]["labels_are"] else "accuracy"
    print(
        f"\n{arguments.scene}: {words}, %, mean (sd) over {arguments.seeds} splits and seeds, {plan.protocol}, "
        f"{plan.folds} fold(s) pooled; {plan.steps} steps, width {plan.width}"
        + (f"; of the models only classes that {plan.shared} keeps" if plan.shared else "")
    )
    print(f"{'':28}{'OA':>14}{'AA':>14}{'kappa':>14}{'mIoU':>14}{'parameters':>14}{'seconds':>10}")
    for name, by_seed, training in rows(found):
        cells = [
            cell([100 * score[key] for score in by_seed]) if key in by_seed[0] else ""
            for key in ("oa", "aa", "kappa", "miou")
        ]
        size = f"{training['parameters']:,}" if training.get("parameters") else ""
        seconds = f"{training['seconds']:.0f}" if training else ""
        print(f"{name:28}" + "".join(f"{text:>14}" for text in cells) + f"{size:>14}{seconds:>10}")


if __name__ == "__main__":
    main()
