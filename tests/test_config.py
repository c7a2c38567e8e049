from __future__ import annotations

import pytest
from pydantic import Field

from fullwell.config import ConfigModel, config_hash, load_config, parse_config, read_toml
from fullwell.errors import ConfigError, UnreadableFile


class Camera(ConfigModel):
    gain: float = Field(default=1.0, gt=0)
    read_noise: float = 5.0


class Night(ConfigModel):
    camera: Camera | None = None
    cameras: dict[str, Camera] = Field(default_factory=dict)
    rows: tuple[Camera, ...] = ()
    workers: int = 1


def test_a_file_becomes_a_model(tmp_path):
    path = tmp_path / "night.toml"
    path.write_text("workers = 2\n[camera]\ngain = 1.5\n")

    config = load_config(path, Night)

    assert (config.workers, config.camera) == (2, Camera(gain=1.5))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"worker": 2}, "worker: unknown key, did you mean 'workers'?"),
        ({"camera": {"gian": 2}}, "camera.gian: unknown key, did you mean 'gain'?"),
        ({"cameras": {"red": {"gian": 2}}}, "cameras.red.gian: unknown key, did you mean 'gain'?"),
        ({"rows": [{}, {"readnoise": 2}]}, "rows.1.readnoise: unknown key, did you mean 'read_noise'?"),
        ({"zzz": 1}, "zzz: unknown key, known keys: camera, cameras, rows, workers"),
        ({"camera": {"gain": -1}}, "camera.gain: Input should be greater than 0, seen -1"),
        ({"workers": "many"}, "seen 'many'"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_nearest_key(values, words):
    with pytest.raises(ConfigError) as caught:
        parse_config(values, Night, source="night.toml")

    assert words in str(caught.value)
    assert str(caught.value).startswith("night.toml: ")


def test_all_problems_are_told_at_once():
    with pytest.raises(ConfigError, match=r"gain: .*; worker: "):
        parse_config({"worker": 1, "camera": {"gain": 0}}, Night)


def test_files_that_are_no_configuration(tmp_path):
    with pytest.raises(UnreadableFile):
        read_toml(tmp_path / "none.toml")
    with pytest.raises(UnreadableFile):
        read_toml(tmp_path)
    for content in (b"a = 1\na = 2\n", b"a = ", b"\xff\xfe"):
        (tmp_path / "x.toml").write_bytes(content)
        with pytest.raises(ConfigError):
            read_toml(tmp_path / "x.toml")


def test_the_hash_is_that_of_the_resolved_values():
    assert config_hash(Night()) == config_hash(Night(workers=1))
    assert config_hash(Night()) != config_hash(Night(workers=2))
    assert len(config_hash(Night())) == 16
