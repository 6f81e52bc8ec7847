"""Vision models of transformers: opened from folders, without torchvision, without surprises."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import (
    BertConfig,
    BertModel,
    BitImageProcessorPil,
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPModel,
    CLIPVisionModel,
    ConvNextImageProcessorPil,
    Dinov2Config,
    Dinov2Model,
    ResNetConfig,
    ResNetModel,
    SiglipConfig,
    SiglipImageProcessorPil,
    SiglipModel,
    ViTConfig,
    ViTImageProcessorPil,
    ViTMAEConfig,
    ViTMAEModel,
    ViTModel,
)

from synthmed.errors import SafetyError, SynthmedError
from synthmed.measures.features import load_extractor

TINY = {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "image_size": 32,
    "patch_size": 8,
}
SQUARE = {"height": 32, "width": 32}


def clip_config():
    text = {k: v for k, v in TINY.items() if k not in ("image_size", "patch_size")}
    text |= {"vocab_size": 20, "max_position_embeddings": 8}
    return CLIPConfig(text_config=text, vision_config=TINY, projection_dim=12)


def siglip():
    text = {k: v for k, v in TINY.items() if k not in ("image_size", "patch_size")}
    text |= {"vocab_size": 20, "max_position_embeddings": 8, "projection_size": 16}
    return SiglipModel(SiglipConfig(text_config=text, vision_config=TINY))


def resnet():
    sizes = {"embedding_size": 8, "hidden_sizes": [8, 20], "depths": [1, 1], "layer_type": "basic"}
    return ResNetModel(ResNetConfig(**sizes))


CLIP_SETTINGS = {"size": {"shortest_edge": 32}, "crop_size": SQUARE}
MODELS = {  # model, image processor, what stands for the image, features
    "vit": (lambda: ViTModel(ViTConfig(**TINY)), ViTImageProcessorPil, "pooler_output", 16),
    "bare-vit": (
        lambda: ViTModel(ViTConfig(**TINY), add_pooling_layer=False),
        ViTImageProcessorPil,
        "cls",
        16,
    ),
    "dinov2": (
        lambda: Dinov2Model(Dinov2Config(**TINY)),
        BitImageProcessorPil,
        "pooler_output",
        16,
    ),
    "clip": (lambda: CLIPModel(clip_config()), CLIPImageProcessorPil, "image_embeds", 12),
    "siglip": (siglip, SiglipImageProcessorPil, "image_embeds", 16),
    "clip-vision": (
        lambda: CLIPVisionModel(clip_config().vision_config),
        CLIPImageProcessorPil,
        "pooler_output",
        16,
    ),
    "resnet": (resnet, ConvNextImageProcessorPil, "pooler_output", 20),
}


def save(folder, model, processor):
    settings = CLIP_SETTINGS if processor in (CLIPImageProcessorPil, BitImageProcessorPil) else {}
    if processor in (ViTImageProcessorPil, SiglipImageProcessorPil):
        settings = {"size": SQUARE}
    if processor is ConvNextImageProcessorPil:
        settings = {"size": {"shortest_edge": 32}}
    model.save_pretrained(folder)
    processor(**settings).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    return {name: save(root / name, make(), use) for name, (make, use, _, _) in MODELS.items()}


def images(n=5, height=40, width=40, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (n, 3, height, width)).astype(np.float32)


@pytest.mark.parametrize("name", MODELS)
def test_contract_of_every_kind_of_model(name, folders):
    extract = load_extractor(f"hf:{folders[name]}")
    _, _, pool, width = MODELS[name]
    x = images(20)
    features = extract(x)
    assert features.shape == (20, width)
    assert features.dtype == np.float64
    assert np.isfinite(features).all()
    assert np.linalg.norm(features[0] - features[1]) > 0
    np.testing.assert_allclose(extract(x[17:18]), features[17:18], atol=1e-5)
    again = load_extractor("hf", folders[name])
    assert again.id == extract.id
    np.testing.assert_array_equal(again(x), features)
    assert extract.id.startswith(f"hf:{name}[{pool}]/1:")
    assert str(folders[name].parent) not in extract.id
    assert "32" in extract.preprocessing
    assert "mean" in extract.preprocessing
    np.testing.assert_allclose(
        extract(x[:, :1]), extract(np.repeat(x[:, :1], 3, axis=1)), atol=1e-6
    )
    with pytest.raises(SynthmedError, match="from -1 to 1"):
        extract(x * 100)


def test_the_image_processor_does_what_its_settings_say(folders):
    """Resized by Pillow as 8 bits, scaled, normalised; compared with the same by hand."""
    from synthmed.measures.extractors.transformers_model import prepared

    extract = load_extractor(f"hf:{folders['vit']}")
    x = images(1, 50, 70)
    levels = np.rint((x[0].transpose(1, 2, 0) + 1) * 127.5).astype(np.uint8)
    small = np.asarray(Image.fromarray(levels).resize((32, 32), Image.Resampling.BILINEAR))
    expected = (small.transpose(2, 0, 1) / 255 - 0.5) / 0.5
    np.testing.assert_allclose(prepared(extract.processor, x)[0].numpy(), expected, atol=1e-5)
    said = "8 bits, resize to 32 × 32 bilinear, times 0.00392157, mean 0.5 0.5 0.5, std 0.5 0.5 0.5"
    assert extract.preprocessing == said


def test_features_are_those_of_the_model_itself(folders):
    extract = load_extractor(f"hf:{folders['clip']}")
    x = images(3)
    model = CLIPModel.from_pretrained(folders["clip"], use_safetensors=True).eval()
    processor = CLIPImageProcessorPil.from_pretrained(folders["clip"])
    levels = np.rint((x.transpose(0, 2, 3, 1) + 1) * 127.5).astype(np.uint8)
    pixels = processor([Image.fromarray(level) for level in levels], return_tensors="pt")
    with torch.no_grad():
        hidden = model.vision_model(pixels["pixel_values"]).pooler_output
        expected = model.visual_projection(hidden)
    np.testing.assert_allclose(extract(x), expected.numpy(), atol=1e-5)


def test_a_pooling_layer_that_was_never_stored_is_not_used(tmp_path):
    """transformers would draw its weights at random, other ones each time."""
    from transformers import ViTForImageClassification

    folder = save(
        tmp_path / "m", ViTForImageClassification(ViTConfig(**TINY)), ViTImageProcessorPil
    )
    one, two = (load_extractor(f"hf:{folder}") for _ in range(2))
    assert "[cls]" in one.id
    np.testing.assert_array_equal(one(images()), two(images()))


def test_settings_inside_a_processors_file_are_found(folders, tmp_path):
    """CLIP's whole processor, text and image, keeps them in processor_config.json."""
    import shutil

    shutil.copytree(folders["clip"], tmp_path / "clip")
    own = tmp_path / "clip" / "preprocessor_config.json"
    settings = {"image_processor": json.loads(own.read_text()), "processor_class": "CLIPProcessor"}
    (tmp_path / "clip" / "processor_config.json").write_text(json.dumps(settings))
    own.unlink()
    one, two = (load_extractor(f"hf:{f}") for f in (folders["clip"], tmp_path / "clip"))
    assert one.preprocessing == two.preprocessing
    np.testing.assert_array_equal(one(images()), two(images()))


def test_other_weights_have_another_id(folders, tmp_path):
    torch.manual_seed(1)
    other = save(tmp_path / "vit", ViTModel(ViTConfig(**TINY)), ViTImageProcessorPil)
    ids = [load_extractor(f"hf:{f}").id for f in (folders["vit"], other)]
    assert ids[0] != ids[1]
    assert ids[0].split(":")[1] == ids[1].split(":")[1]


def test_weights_in_several_files_are_read(tmp_path):
    model = ViTModel(ViTConfig(**TINY))
    whole = save(tmp_path / "whole", model, ViTImageProcessorPil)
    model.save_pretrained(tmp_path / "parts", max_shard_size="8KB")
    ViTImageProcessorPil(size=SQUARE).save_pretrained(tmp_path / "parts")
    assert not (tmp_path / "parts" / "model.safetensors").exists()
    one, two = (load_extractor(f"hf:{f}")(images()) for f in (whole, tmp_path / "parts"))
    np.testing.assert_array_equal(one, two)


def test_a_model_that_hides_random_patches_is_refused(tmp_path):
    sizes = {**TINY, "decoder_hidden_size": 8, "decoder_num_attention_heads": 2}
    sizes |= {"decoder_num_hidden_layers": 1, "decoder_intermediate_size": 8}
    folder = save(tmp_path / "mae", ViTMAEModel(ViTMAEConfig(**sizes)), ViTImageProcessorPil)
    with pytest.raises(SynthmedError, match="other features every time"):
        load_extractor(f"hf:{folder}")


def test_a_text_model_is_refused(tmp_path):
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    model = BertModel(BertConfig(**sizes, intermediate_size=8, vocab_size=10))
    with pytest.raises(SynthmedError, match="takes no images"):
        load_extractor(f"hf:{save(tmp_path / 'bert', model, ViTImageProcessorPil)}")


def test_pickles_are_refused(folders, tmp_path):
    import shutil

    shutil.copytree(folders["vit"], tmp_path / "m")
    (tmp_path / "m" / "model.safetensors").rename(tmp_path / "m" / "pytorch_model.bin")
    with pytest.raises(SafetyError, match="pickled"):
        load_extractor(f"hf:{tmp_path / 'm'}")


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("config.json", "config.json is missing"),
        ("preprocessor_config.json", "Save its image processor"),
        ("model.safetensors", "weights are missing"),
    ],
)
def test_incomplete_folders_say_what_is_missing(file, message, folders, tmp_path):
    import shutil

    shutil.copytree(folders["vit"], tmp_path / "m")
    (tmp_path / "m" / file).unlink()
    with pytest.raises(SynthmedError, match=message):
        load_extractor(f"hf:{tmp_path / 'm'}")


@pytest.mark.parametrize("file", ["config.json", "model.safetensors", "preprocessor_config.json"])
def test_damaged_files_are_one_clear_error(file, folders, tmp_path):
    import shutil

    shutil.copytree(folders["vit"], tmp_path / "m")
    (tmp_path / "m" / file).write_bytes(b"{ nonsense")
    with pytest.raises(SynthmedError, match="transformers cannot open this model") as caught:
        load_extractor(f"hf:{tmp_path / 'm'}")
    assert "\n" not in str(caught.value)


def test_lost_weights_are_not_drawn_at_random(folders, tmp_path):
    import shutil

    from safetensors.torch import load_file, save_file

    shutil.copytree(folders["vit"], tmp_path / "m")
    state = load_file(tmp_path / "m" / "model.safetensors")
    state.pop(next(name for name in state if "layer" in name))
    save_file(state, tmp_path / "m" / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(SynthmedError, match="1 weights are missing"):
        load_extractor(f"hf:{tmp_path / 'm'}")


def test_code_that_comes_with_a_model_is_not_run(folders, tmp_path):
    import shutil

    shutil.copytree(folders["vit"], tmp_path / "m")
    config = json.loads((tmp_path / "m" / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoModel": "own.Own", "AutoConfig": "own.Own"}}
    (tmp_path / "m" / "config.json").write_text(json.dumps(config))
    (tmp_path / "m" / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nOwn = None\n")
    with pytest.raises(SynthmedError, match="cannot open"):
        load_extractor(f"hf:{tmp_path / 'm'}")
    assert not (tmp_path / "ran").exists()


@pytest.fixture
def hub(monkeypatch):
    """A hub whose downloads are noted; nothing leaves the machine."""
    asked = []

    def download(hub_id, **options):
        asked.append((hub_id, options))
        if not isinstance(hub.answer, str):
            raise hub.answer
        return hub.answer

    hub = type("Hub", (), {"asked": asked, "answer": OSError("no network")})()
    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    return hub


def test_a_hub_id_is_fetched_without_pickles(hub, folders):
    hub.answer = str(folders["vit"])
    extract = load_extractor("hf:owner/some-vit")
    assert extract.id.startswith("hf:owner/some-vit[pooler_output]/1:")
    ((asked, options),) = hub.asked
    assert asked == "owner/some-vit"
    assert not [p for p in options["allow_patterns"] if p.endswith((".bin", "*", ".py", ".pt"))]


def test_offline_is_one_error_that_says_how_to_get_the_model(hub):
    with pytest.raises(SynthmedError, match=r"cannot be fetched .* hf:FOLDER") as caught:
        load_extractor("hf:owner/some-vit")
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("source", ["./nothing", "/no/such/folder", "nothing", "a/b/c", "~/x"])
def test_a_folder_that_is_not_there_asks_no_network(source, hub):
    with pytest.raises(SynthmedError, match="no such model folder"):
        load_extractor(f"hf:{source}")
    assert hub.asked == []


def test_a_misspelt_folder_asks_no_network(hub, tmp_path, monkeypatch):
    (tmp_path / "models").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SynthmedError, match="no such model folder"):
        load_extractor("hf:models/dino")
    assert hub.asked == []
