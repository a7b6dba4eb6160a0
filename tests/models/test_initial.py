"""Starting weights: what goes where, what stays fresh, and what is refused."""

import pytest
import torch
from safetensors.torch import save_file

from workbench.base.errors import WorkbenchError
from workbench.models import create_model
from workbench.models.initial import from_network, from_resnet, weights_path
from workbench.models.resnet import ResNet50

ENCODERS = {"ammfusenet": 2, "deeplabv3plus": 1, "pspnet": 1, "denseaspp": 1, "danet": 1}


def network(name="fusatnet", bands=(6, 2), classes=4, width=0.05, seed=0, **options):
    torch.manual_seed(seed)
    roles = ("image", "aux") if name in ENCODERS or name == "unet" else ("hsi", "aux")
    return create_model(name, dict(zip(roles, bands, strict=True)), classes, width, **options)


def kept(folder, model, name="w.safetensors"):
    save_file({key: value.contiguous() for key, value in model.state_dict().items()}, folder / name)
    return folder / name


def taken(before, after, source):
    """Names of the tensors that equal the source's, and of those that did not change."""
    mine, old, theirs = after.state_dict(), before, source.state_dict()
    same = {key for key in mine if theirs[key].shape == mine[key].shape and torch.equal(mine[key], theirs[key])}
    return same, {key for key in mine if torch.equal(mine[key], old[key])}


def copied(model):
    return {key: value.clone() for key, value in model.state_dict().items()}


@pytest.mark.parametrize("name", ["fusatnet", "selfloop", "mmrs", "unet"])
def test_all_of_the_same_network_is_taken(tmp_path, name):
    source, model = network(name, seed=1), network(name)
    weights = from_network(kept(tmp_path, source), model)
    assert weights.fresh == ()
    weights.load(model)
    assert all(torch.equal(value, source.state_dict()[key]) for key, value in model.state_dict().items())


def test_layers_of_other_bands_or_classes_stay_fresh_with_their_biases(tmp_path):
    source, model = network(seed=1), network(bands=(6, 3), classes=5)
    for parameter in [*source.parameters(), *model.parameters()]:  # biases start at zero
        torch.nn.init.normal_(parameter)
    before = copied(model)
    weights = from_network(kept(tmp_path, source), model)
    weights.load(model)
    same, unchanged = taken(before, model, source)
    assert weights.fresh == (
        "classifier.conv6", "modality_attention.conv1", "modality_features.conv1", "spatial_attention.conv1",
    )  # fmt: skip
    fresh = {f"{layer}.{part}" for layer in weights.fresh for part in ("weight", "bias")}
    assert fresh <= unchanged
    assert set(before) - fresh <= same
    assert set(weights.names) == set(before) - fresh
    assert "classifier.conv6" in str(weights)


def test_tensors_of_the_network_itself_are_looked_at_one_by_one(tmp_path):
    weights = from_network(kept(tmp_path, network("mmrs")), network("mmrs", classes=5))
    assert {"prototypes", "filled", "head"} <= set(weights.fresh)
    assert {"share", "modality"} <= set(weights.names)


def test_another_network_is_refused_with_what_it_has_and_lacks(tmp_path):
    path = kept(tmp_path, network("selfloop"))
    with pytest.raises(
        WorkbenchError, match=r"another network than FusAtNet: beyond it, it has block3\S+, .* lacks classifier"
    ):
        from_network(path, network())


def resnet(folder, bands=3, channels=64, seed=5, name="resnet50.safetensors", **more):
    """An ImageNet file as torchvision has it: the encoder's names, and a classifier."""
    torch.manual_seed(seed)
    encoder = ResNet50(bands, channels)
    for value in encoder.state_dict().values():
        if value.is_floating_point():
            value.uniform_(0.5, 1.5)
    tensors = {key: value.contiguous() for key, value in encoder.state_dict().items()}
    save_file(tensors | {"fc.weight": torch.zeros(1000, 8), "fc.bias": torch.zeros(1000)} | more, folder / name)
    return folder / name, tensors


@pytest.fixture
def thin(monkeypatch):
    """Networks whose width 1 is thin, so that full ones need not be built."""
    from workbench.models.contract import FusionModel

    monkeypatch.setattr(FusionModel, "hidden", lambda self, channels: max(4, round(channels * self.width / 16)))


@pytest.mark.parametrize("name", ENCODERS)
def test_each_encoder_is_filled_and_a_stem_of_other_bands_stays_fresh(tmp_path, thin, name):
    path, tensors = resnet(tmp_path, channels=4)
    model = network(name, bands=(3, 2), width=1.0)
    before = copied(model)
    weights = from_resnet(path, model, name)
    weights.load(model)
    encoders = [key for key, part in model.named_modules() if isinstance(part, ResNet50)]
    assert len(encoders) == ENCODERS[name] == len(weights.into)
    stems = {"encoder_aux.conv1"} if name == "ammfusenet" else {"encoder.conv1"}  # 2 and 5 bands; encoder_image has 3
    assert set(weights.fresh) == stems
    after = model.state_dict()
    for key, value in after.items():
        prefix, _, rest = key.partition(".")
        expected = tensors[rest] if prefix in encoders and key.rpartition(".")[0] not in stems else before[key]
        assert torch.equal(value, expected), key
    assert next(iter(stems)) in str(weights)
    assert f"all outside {encoders[0]}" in str(weights)


def test_names_are_torchvisions():
    """As its ResNet-50 lists them: a bottleneck's three convolutions, and a shortcut in each stage's first."""
    names = set(ResNet50(3, 4).state_dict())
    assert {"conv1.weight", "bn1.running_var", "layer1.0.conv1.weight", "layer1.0.downsample.0.weight"} <= names
    assert {"layer1.0.downsample.1.bias", "layer3.5.bn3.weight", "layer4.2.conv3.weight"} <= names
    assert len([name for name in names if name.endswith("weight") and "conv" in name]) == 1 + 3 * (3 + 4 + 6 + 3)
    assert ResNet50(3).conv1.weight.shape == (64, 3, 7, 7)


def test_older_files_count_no_batches(tmp_path, thin):
    path, tensors = resnet(tmp_path, channels=4)
    save_file({key: value for key, value in tensors.items() if "num_batches" not in key}, path)
    assert len(from_resnet(path, network("pspnet", bands=(2, 1), width=1.0), "pspnet").names) == len(tensors) - 53


def test_what_is_no_resnet_of_width_1_is_refused(tmp_path, thin):
    path, _ = resnet(tmp_path, channels=4)
    told = r"holds \S+ of shape \(4,.*, and the encoder of 'pspnet' at width 2 needs \(8,"
    with pytest.raises(WorkbenchError, match=told):
        from_resnet(path, network("pspnet", width=2.0), "pspnet")
    with pytest.raises(WorkbenchError, match=r"model 'fusatnet' has none; ammfusenet, danet, deeplabv3plus.* have"):
        from_resnet(path, network(), "fusatnet")
    model = network("pspnet", width=1.0)
    with pytest.raises(
        WorkbenchError, match=r"no ResNet-50 .* it lacks conv1.weight, .* has classifier.bias, .* beyond"
    ):
        from_resnet(kept(tmp_path, model), model, "pspnet")
    deeper, _ = resnet(tmp_path, channels=4, name="deeper.safetensors", **{"layer3.6.conv1.weight": torch.zeros(1)})
    with pytest.raises(WorkbenchError, match=r"lacks nothing, and has layer3\.6\.conv1\.weight"):
        from_resnet(deeper, model, "pspnet")
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(WorkbenchError, match="damaged or no safetensors file"):
        from_resnet(path, model, "pspnet")


@pytest.mark.parametrize("name", ["w.pth", "w.pt", "w.ckpt", "folder/w.bin", "w.h5"])
def test_a_pickle_is_refused_with_the_line_that_converts_it(tmp_path, monkeypatch, name):
    """The line is run, and what it writes is taken."""
    import re
    import subprocess
    import sys

    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    torch.save({"a": torch.arange(6.0).view(2, 3).T}, name)
    with pytest.raises(WorkbenchError, match="are pickles, which can run any code") as refused:
        weights_path(name)
    line = re.search(r'python -c "(.*)"', str(refused.value))[1]
    subprocess.run([sys.executable, "-c", line], check=True)
    assert weights_path(str((tmp_path / name).with_suffix(".safetensors")))


def test_a_run_is_no_file_and_a_file_must_be_there(tmp_path):
    assert weights_path("demo-fusatnet-dense-blocks-0123456789") is None
    with pytest.raises(WorkbenchError, match=r"no file of weights .*gone\.safetensors"):
        weights_path(str(tmp_path / "gone.safetensors"))
    with pytest.raises(WorkbenchError, match="is a folder"):
        weights_path(str(tmp_path))
