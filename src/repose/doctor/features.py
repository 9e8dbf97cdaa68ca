"""The extras of pyproject.toml: which packages each needs, and what it gives."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from importlib import metadata
from typing import Final

from repose.doctor.findings import Finding
from repose.extras import install


@dataclass(frozen=True)
class Feature:
    """One extra.

    Attributes:
        extra: its name.
        packages: name of the distribution -> name of the module that is imported.
        gives: what it is for.
    """

    extra: str
    packages: dict[str, str]
    gives: str


FEATURES: Final = (
    Feature("estimate", {"ai-edge-litert": "ai_edge_litert"}, "finds joints and outlines in photographs"),
    Feature("video", {"av": "av"}, "`repose video`, `repose animate`, frames of clips"),
    Feature("heic", {"pillow-heif": "pillow_heif"}, "reads the HEIC pictures of iPhones"),
    Feature(
        "web",
        {"gradio": "gradio", "fastapi": "fastapi", "uvicorn": "uvicorn", "python-multipart": "python_multipart"},
        "`repose web`: the page",
    ),
    Feature(
        "serve",
        {"fastapi": "fastapi", "uvicorn": "uvicorn", "python-multipart": "python_multipart"},
        "`repose serve`: transfers over HTTP",
    ),
    Feature("synthetic", {"moderngl": "moderngl", "scipy": "scipy"}, "renders people: `repose prepare synthetic`"),
    Feature("train", {"lightning": "lightning"}, "`repose train`, `repose tune`"),
    Feature("tensorboard", {"tensorboard": "tensorboard"}, "curves of a training run"),
    Feature("font", {"scikit-image": "skimage"}, "`repose font`"),
    Feature(
        "onnx",
        {"onnx": "onnx", "onnxscript": "onnxscript", "onnxruntime": "onnxruntime"},
        "exports to ONNX and runs networks by ONNX Runtime",
    ),
    Feature("openvino", {"openvino": "openvino"}, "runs networks by OpenVINO"),
    Feature("ncnn", {"ncnn": "ncnn", "pnnx": "pnnx"}, "exports to ncnn, for phones"),
    Feature("rtmpose", {"rtmlib": "rtmlib", "onnxruntime": "onnxruntime"}, "joints by RTMPose"),
    Feature("ray", {"ray": "ray"}, "`repose estimate --ray`: many photographs on a cluster"),
    Feature("reid", {"torchvision": "torchvision"}, "`repose reid --classifier resnet-50`"),
)
"""Every extra that gives a user something; those for development are left out."""

CORE: Final = {
    "torch": "torch",
    "numpy": "numpy",
    "numba": "numba",
    "pillow": "PIL",
    "safetensors": "safetensors",
    "filelock": "filelock",
    "rich": "rich",
    "typer": "typer",
}
"""The packages that every transfer needs."""


def look() -> list[Finding]:
    """The packages that are needed, then the extras."""
    findings = []
    for package, module in CORE.items():
        version = _version(package, module)
        if version is None:
            findings.append(
                Finding("packages", package, "missing", "", "every transfer needs it", install(package), True)
            )
        else:
            findings.append(Finding("packages", package, "ok", version, "every transfer needs it", "", True))
    for feature in FEATURES:
        versions = {package: _version(package, module) for package, module in feature.packages.items()}
        missing = [package for package, version in versions.items() if version is None]
        if missing:
            detail = "" if len(missing) == len(versions) and len(versions) == 1 else f"needs {', '.join(missing)}"
            findings.append(
                Finding("extras", feature.extra, "missing", detail, feature.gives, install(extra=feature.extra))
            )
        else:
            detail = ", ".join(f"{package} {version}" for package, version in versions.items())
            findings.append(Finding("extras", feature.extra, "ok", detail, feature.gives))
    return findings


def _version(package: str, module: str) -> str | None:
    """The version of an installed package, without importing it; None if it is not here."""
    try:
        if importlib.util.find_spec(module) is None:
            return None
        return metadata.version(package)
    except (ImportError, ValueError):  # no such package, or one of another name that has the module
        return None
