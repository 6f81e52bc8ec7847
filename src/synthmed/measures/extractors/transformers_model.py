"""Any vision model of transformers as an extractor: DINOv2, RAD-DINO, CLIP, SigLIP, ViT, ResNet.

The model's own image processor prepares the images, in its PIL version, which needs no
torchvision. What stands for the image is, in this order: the projected image embedding of an
image-text model, the model's pooled output, the class token, the mean of the last hidden state.
A pooling layer that has no stored weights (transformers would draw them at random) is not used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import Array, as_unit_images
from synthmed.measures.extractors.model_folder import find_folder, hash_files, weight_files

BATCH = 16
_CLASS_TOKENS = ("cls_token", "class_embedding")


class TransformersModel:
    """Features of a vision model of transformers.

    Attributes:
        model: The model, in evaluation mode and float32.
        processor: Its image processor.
        pool: What stands for the image: "image_embeds", "pooler_output", "cls" or "mean".
        id: "hf:NAME[pool]/1:HASH", the hash being that of the weight files.
        preprocessing: What its image processor does.
    """

    def __init__(self, model: Any, processor: Any, pool: str, name: str, weights: str) -> None:
        self.model, self.processor, self.pool = model, processor, pool
        self.id = f"hf:{name}[{pool}]/1:{weights[:12]}"
        self.preprocessing = describe(processor.to_dict())

    def __call__(self, images: Any) -> Array:
        """Features of a batch.

        Args:
            images: (N, 1 or 3, H, W) floats in [-1, 1]; rounded to 8 bits, as files are.

        Returns:
            (N, D) float64, D being the model's.

        Raises:
            SynthmedError: Integers, another shape, or values outside [-1, 1].
        """
        checked = as_unit_images(images)
        parts = []
        for start in range(0, len(checked), BATCH):
            x_BCHW = prepared(self.processor, checked[start : start + BATCH])
            with torch.inference_mode():
                parts.append(pooled(self.model, x_BCHW, self.pool).double().numpy())
        return np.concatenate(parts)


def open_transformers(source: str) -> TransformersModel:
    """Opens a vision model of transformers.

    Args:
        source: Its folder, or a hub id (owner/name), which is fetched unless it was before.
            Only safetensors are read, and no code that comes with the model.

    Returns:
        The extractor.

    Raises:
        SynthmedError: No such model, no vision model, one with missing weights, or one that
            gives other features every time.
        SafetyError: Pickled weights only.
    """
    folder, name = find_folder(source)
    files = weight_files(folder)
    model, missing = _open_model(folder)
    processor = _open_processor(folder)
    if not hasattr(model, "get_image_features") and model.main_input_name != "pixel_values":
        raise SynthmedError(f"{type(model).__name__} takes no images", where=f"hf:{source}")
    pool = _choose(model, prepared(processor, _probe()), missing)
    extractor = TransformersModel(model, processor, pool, name, hash_files(files))
    _check_repeatable(extractor, source)
    return extractor


def prepared(processor: Any, images: Array) -> Tensor:
    """Images (N, 1 or 3, H, W) in [-1, 1] -> what the model takes, by its image processor."""
    levels = np.rint((np.clip(images, -1, 1) + 1) * 127.5).astype(np.uint8)
    levels = np.repeat(levels, 3 // levels.shape[1], axis=1).transpose(0, 2, 3, 1)
    pictures = [Image.fromarray(np.ascontiguousarray(level)) for level in levels]
    pixels: Tensor = processor(images=pictures, return_tensors="pt")["pixel_values"]
    return pixels.float()


def pooled(model: Any, x_BCHW: Tensor, pool: str) -> Tensor:
    """Features (B, D) of prepared images (B, 3, H, W), taken as `pool` says."""
    if pool == "image_embeds":
        found = model.get_image_features(pixel_values=x_BCHW)
        embeds: Tensor = found if isinstance(found, Tensor) else found.pooler_output
        return embeds
    outputs = model(pixel_values=x_BCHW)
    if pool == "pooler_output":
        return torch.flatten(outputs.pooler_output, 1)
    hidden: Tensor = outputs.last_hidden_state
    if pool == "cls":
        return hidden[:, 0]
    return hidden.mean(dim=1) if hidden.ndim == 3 else hidden.mean(dim=(2, 3))


def describe(settings: Mapping[str, Any]) -> str:
    """What an image processor does, in words."""
    said = ["8 bits"]
    if settings.get("do_resize"):
        stated = settings.get("resample")
        filters = Image.Resampling(2 if stated is None else int(stated)).name.lower()
        said.append(f"resize to {_size(settings.get('size'))} {filters}")
        if "crop_pct" in settings:
            said[-1] += f", crop share {settings['crop_pct']:.4g}"
    if settings.get("do_center_crop"):
        said.append(f"centre crop {_size(settings.get('crop_size'))}")
    if settings.get("do_rescale"):
        said.append(f"times {settings.get('rescale_factor', 1 / 255):.6g}")
    if settings.get("do_normalize"):
        mean, spread = (
            " ".join(f"{float(v):.4g}" for v in np.atleast_1d(settings.get(key, ())))
            for key in ("image_mean", "image_std")
        )
        said.append(f"mean {mean}, std {spread}")
    return ", ".join(said)


def _size(size: Any) -> str:
    if not isinstance(size, Mapping):
        return str(size)
    known = {key: value for key, value in size.items() if value is not None}
    if set(known) == {"height", "width"}:
        return f"{known['height']} × {known['width']}"
    return " ".join(f"{key.replace('_', ' ')} {value}" for key, value in known.items())


def _choose(model: Any, x_BCHW: Tensor, missing: set[str]) -> str:
    """What stands for the image, see the module's description."""
    if hasattr(model, "get_image_features"):
        return "image_embeds"
    with torch.inference_mode():
        outputs = model(pixel_values=x_BCHW)
    if getattr(outputs, "pooler_output", None) is not None and not missing:
        return "pooler_output"
    tokens = outputs.last_hidden_state.ndim == 3
    named = any(name.endswith(_CLASS_TOKENS) for name, _ in model.named_parameters())
    return "cls" if tokens and named else "mean"


def _check_repeatable(extractor: TransformersModel, source: str) -> None:
    if not np.array_equal(extractor(_probe()), extractor(_probe())):
        raise SynthmedError(
            f"{type(extractor.model).__name__} gives other features every time",
            where=f"hf:{source}",
            mend="Masked autoencoders hide random patches: take another model",
        )


def _probe() -> Array:
    return np.random.default_rng(0).uniform(-1, 1, (2, 3, 64, 64))


def _open_model(folder: Path) -> tuple[Any, set[str]]:
    """The model, and its weights that are not stored (of a pooling layer only)."""
    from transformers import AutoModel

    with _quiet():
        try:
            model, info = AutoModel.from_pretrained(
                folder,
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                dtype=torch.float32,
                output_loading_info=True,
            )
        except Exception as error:  # transformers raises many kinds for a folder that is wrong
            raise _unreadable(folder, error) from error
    missing = {str(key) for key in info["missing_keys"]}
    if lost := sorted(key for key in missing if "pooler" not in key):
        raise SynthmedError(f"{len(lost)} weights are missing, such as {lost[0]}", where=folder)
    return model.eval().requires_grad_(False), missing


def _open_processor(folder: Path) -> Any:
    from transformers import AutoImageProcessor

    with _quiet():
        try:
            return AutoImageProcessor.from_pretrained(
                folder, backend="pil", local_files_only=True, trust_remote_code=False
            )
        except Exception as error:
            raise _unreadable(folder, error) from error


def _unreadable(folder: Path, error: Exception) -> SynthmedError:
    first = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
    return SynthmedError(f"transformers cannot open this model: {first}", where=folder)


@contextmanager
def _quiet() -> Iterator[None]:
    """Hides transformers' bars and advice; afterwards everything is as it was."""
    import transformers.utils.logging as library

    level, barred = library.get_verbosity(), library.is_progress_bar_enabled()
    library.set_verbosity(50)
    library.disable_progress_bar()
    try:
        yield
    finally:
        library.set_verbosity(level)
        if barred:
            library.enable_progress_bar()
