"""Tree species of IDTReeS 2020: fusion, each modality alone, and the controls, by pixel and by crown.

Import the data first: `workbench import idtrees2020 --from FOLDER`. Then: `python benchmarks/idtrees2020.py`.
"""

import argparse
import statistics

from workbench.experiments.compare import compare_modalities
from workbench.scenes import open_scene
from workbench.splits import make_split


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="splits and trainings, each with its own seed")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--view", default="dense", choices=["patch", "dense"])
    parser.add_argument("--width", type=float, default=0.25)
    parser.add_argument("--pixels-per-tile", type=int, default=64)
    arguments = parser.parse_args()
    scene = open_scene("idtrees2020")
    found: dict[str, dict[str, list[float]]] = {}

    def note(who: str, **figures: float) -> None:
        for name, value in figures.items():
            found.setdefault(who, {}).setdefault(name, []).append(100 * value)

    for seed in range(arguments.seeds):
        split = make_split(scene, "groups", 11, seed)
        runs = compare_modalities(
            scene,
            inputs={"hsi": "hsi", "aux": "lidar"},
            split=split,
            seed=seed,
            view=arguments.view,
            width=arguments.width,
            epochs=arguments.epochs,
            pixels_per_tile=arguments.pixels_per_tile,
            progress=False,
        )
        for name, run in runs.items():
            test, crowns = run.metrics["test"], run.metrics["objects"]
            note(name, pixel_oa=test["oa"], pixel_aa=test["aa"], crown_oa=crowns["oa"], crown_aa=crowns["aa"])
        for name, score in runs["all"].metrics["controls"].items():
            note(f"control: {name}", pixel_oa=score["oa"], pixel_aa=score["aa"])
    columns = ["pixel_oa", "pixel_aa", "crown_oa", "crown_aa"]
    print(f"\n{arguments.seeds} splits by groups, {arguments.view} view, width {arguments.width}: mean (sd), %")
    print(f"{'':28}" + "".join(f"{column:>16}" for column in columns))
    for who, figures in found.items():
        cells = []
        for column in columns:
            values = figures.get(column, [])
            spread = statistics.stdev(values) if len(values) > 1 else 0.0
            cells.append(f"{statistics.mean(values):.1f} ({spread:.1f})" if values else "")
        print(f"{who:28}" + "".join(f"{cell:>16}" for cell in cells))


if __name__ == "__main__":
    main()
