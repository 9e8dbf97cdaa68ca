"""Put a finished run's weights under weights/NAME with recipe and card; then `repose eval`, `repose bench tables`.

    python scripts/ship_weights.py runs/patn-s patn-s-synthetic
    python scripts/ship_weights.py runs/carry-s carry-s-synthetic fashion
    python scripts/ship_weights.py runs/bodywarp-s bodywarp-s-synthetic fashion 17_812

The third word is the canvas on which the weights are used, where a model takes any and was trained on another. The
fourth is the number of images of the runs before, where a run began from weights of the same data.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import torch

from repose.models.weights import load_generator, save_weights
from repose.represent.canvas import canvas

CARD = """# {name}

{what}

| | |
|---|---|
| licence of the weights | {licence} |
| data | {data} `{data_checksum}`, split train |
| recipe | `{recipe}` (recipe.json beside this file is the resolved one) |
| canvas | {canvas} |
| begun from | {begun} |
| loss | {loss} |
| images shown | {shown} |
| time | {minutes:.0f} minutes of a machine that also did other work, {threads} |
| hardware | {hardware} |
| commit | `{commit}` |
| stored as | float16, {size:.1f} MB, the moving average of the generator |

Measured with exactly this file:

<!-- table: measured-{name} -->
<!-- /table -->

Limits: {limits}
"""

SYNTHETIC = {
    "licence": "CC0-1.0",
    "what": "Trained on rendered people alone: no photograph of a person is in the data. For any use. {how}",
    "limits": "{pixels} pixels; blurred faces and prints; it has never seen a photograph.",
}
HOW = {
    "synthetic-half": "The data set is `repose prepare synthetic --people 1400 --images 6 --size 256x176 --style mixed "
    "--seed 424242`, halved by `scripts/halve_store.py --iuv`.",
    "people-market-1100": "The data set is `repose prepare synthetic --set people-market --people 1100`.",
    "synthetic": "The data set is `repose prepare synthetic --people 1400 --images 6 --size 256x176 --style mixed "
    "--seed 424242`.",
    "people-fashion-half": "The data set is `repose prepare synthetic --set people-fashion`, halved by "
    "`scripts/halve_store.py`.",
}
LABELS = "L1, 1 - SSIM, and what the labels of rendered people teach (src/repose/models/carry/CARD.md)"
"""The loss of Carry on rendered people."""
CARRIED = (
    "what the source does not show is drawn at 128x88 and soft, its background most of all; hands, and faces from the "
    "side, are weak; rendered people have no expressions and simple backgrounds."
)
"""Its limits there."""
FEATURES = (
    ", and MobileNetV2 features (ImageNet, Apache-2.0), each channel divided by a deviation measured once on "
    "{measured_on}: 488 numbers, `src/repose/nn/mobilenet_scale.json`"
)
"""The loss on features of all but body warp."""
WARPED = (
    "L1, LPIPS v0.1 on AlexNet (ImageNet; BSD-3 and BSD-2), and what the labels of rendered people teach "
    "(src/repose/models/bodywarp/CARD.md)"
)
"""The loss of body warp."""
OTHER_LOSSES = {
    "pinet": "first the cross entropy and L1 of the label map alone, then with L1",
    "densepose": "L1 of the predicted, the filled and the blended picture",
    "hpn": "L1, HPN's loss of local descriptors",
}
"""What stands before the loss on features, where it is not L1 alone."""
OTHER_LIMITS = {
    "pinet": " It reads a label map of the source; of a photograph it is estimated (20 LIP labels).",
    "densepose": " It reads DensePose's maps of both people; of photographs they are estimated by a fitted body.",
    "hpn": " It trained for minutes only, follows the pose least of all, and stands here to be compared with.",
}
"""Limits that a system adds to those of its size."""
CARRIED_BY_BODIES = (
    "it needs five located joints of both people, and is as good as the joints are; skirts, long hair and what hangs "
    "beside the body are only as right as the bone that they follow; what the photograph does not show is painted; "
    "things before the person are sometimes carried along; rendered people have no expressions."
)
"""The limits of body warp."""
SCALE = Path("src/repose/nn/mobilenet_scale.json")
MARKET = {
    "licence": "research only: Market-1501 shows real pedestrians and states no licence",
    "what": "Trained on 8,944 photographs of 700 training people of Market-1501. **Research only.** Never the default.",
    "limits": "64x128 pixels; blurred faces and prints; the street of one campus as background.",
}


def main(run: Path, name: str, place: str | None = None, before_it: str = "0") -> None:
    """Copy, halve, describe."""
    generator, recipe = load_generator(run)
    card = json.loads((run / "card.json").read_text())
    scale = json.loads(SCALE.read_text())
    free = card["data"] in HOW
    if not free and card["data"] != "market1501":
        raise SystemExit(f"{run} was trained on {card['data']}, of which this script knows nothing: add it to HOW")
    before = card.get("begun_from")
    if free and before and (before["data"] not in HOW or "research" in before["licence"]):  # of any ancestor
        raise SystemExit(f"{run} began from weights of {before['data']} ({before['licence']}): not free for any use")
    where = f"`{recipe.canvas}`"
    if place is not None and place != recipe.canvas:
        if not generator.any_canvas:
            raise SystemExit(f"{recipe.model} works on the canvas it was trained on, {recipe.canvas}, alone")
        where = f"trained on `{recipe.canvas}`, used on `{place}`, as recipe.json says"
        recipe = replace(recipe, canvas=place)
    height, width = canvas(recipe.canvas).window[2:]
    filled = {"how": HOW.get(card["data"], ""), "pixels": f"{width}x{height}"}
    begun = f"`{before['name']}`, trained on {before['data']} ({before['sha256'][:12]})" if before else "nothing"
    words = {key: text.format_map(filled) for key, text in (SYNTHETIC if free else MARKET).items()}
    carries = recipe.model == "carry" and free
    features = FEATURES.format(measured_on=f"{scale['pictures']} pictures of {scale['measured_on']}")
    loss = (LABELS if carries else OTHER_LOSSES.get(recipe.model, "L1")) + features
    words["limits"] = CARRIED if carries else words["limits"] + OTHER_LIMITS.get(recipe.model, "")
    if recipe.model == "bodywarp":
        words["limits"], loss = CARRIED_BY_BODIES, WARPED
    earlier, trained = int(before_it), card["trained"]
    shown = f"{card['images']:,}" + (f", after {earlier:,} of the runs before" if earlier else "")
    card |= {"name": name, "licence": words["licence"]}
    folder = Path("weights") / name
    folder.mkdir(parents=True, exist_ok=True)
    (path,) = save_weights(folder, generator, recipe, card, dtype=torch.float16)
    text = CARD.format_map(
        {
            **words,
            **card,
            "recipe": recipe.name,
            "begun": begun,
            "canvas": where,
            "loss": loss,
            "shown": shown,
            "threads": f"{trained['threads']} thread{'s' * (trained['threads'] > 1)}",
            "minutes": card["seconds"] / 60,
            "size": path.stat().st_size / 1e6,
            **{key: trained[key] for key in ("hardware", "commit")},
        }
    )
    (folder / "CARD.md").write_text(text)
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
