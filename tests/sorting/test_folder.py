from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from sorting_frames import write_frame

from fullwell.errors import ConfigError, FrameError, UnreadableFile
from fullwell.io.scanning import scan
from fullwell.sorting import Sorted, group, labels, sort_folder

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"
COURSE = {"INSTRUME": "SBIG ST-402", "XBINNING": 1, "YBINNING": 1, "XORGSUBF": 0, "YORGSUBF": 0}


def named(result: Sorted) -> list[str]:
    return sorted(
        [r.name for r in result.records] + [s.name for s in result.set_aside] + list(result.ignored)
    )


def reasons(result: Sorted) -> dict[str, str]:
    return {aside.name: aside.reason for aside in result.set_aside}


def course_folder(folder: Path) -> Path:
    """Write the files of the course on darks and biases, with its cards: none of them says the type."""
    for i in range(1, 11):
        cards = {"EXPTIME": 0.04, "CCD_TEMP": -4.817803680962, "DATE_OBS": f"2020-01-16T02:00:{i:02d}"}
        write_frame(folder / f"bias_{i:03d}.FIT", **COURSE, **cards)
    for i in range(1, 30):
        cards = {"EXPTIME": 10.0, "CCD_TEMP": -5.232, "DATE_OBS": f"2020-01-16T02:15:{i:02d}"}
        write_frame(folder / f"dark_10s_{i:03d}.FIT", **COURSE, **cards)
    target = {"EXPTIME": 10.0, "CCD_TEMP": -4.817803680962, "DATE_OBS": "2020-01-16T03:00:00"}
    write_frame(folder / "target_image.FIT", **COURSE, **target)
    return folder


def test_course(tmp_path: Path) -> None:
    result = sort_folder(course_folder(tmp_path))
    assert result.set_aside == ()
    assert all(record.is_guess for record in result.records)
    found = {(g.type, name): len(g.records) for g, name in labels(group(result.records)).items()}
    assert found == {("bias", "1x1-m5C"): 10, ("dark", "10s-1x1-m5C"): 29, ("science", "1x1-m5C"): 1}
    assert "dark_10s_*.FIT: 29 frames, one fewer than 30" in [remark.text for remark in result.remarks]


def test_gap_in_the_course(tmp_path: Path) -> None:
    (course_folder(tmp_path) / "bias_003.FIT").unlink()
    texts = [remark.text for remark in sort_folder(tmp_path).remarks]
    assert "bias_003.FIT is missing in a numbered series" in texts


def bad_folder(folder: Path) -> Path:
    """Write four good biases among all that can go wrong."""
    cards: dict[str, Any] = {"IMAGETYP": "Bias Frame"}
    for i in range(4):
        write_frame(folder / f"bias_{i}.fit", **cards)
    shutil.copy(folder / "bias_1.fit", folder / "copy_of_1.fit")
    write_frame(folder / "again.fit", seed=7, **cards)
    write_frame(folder / "bgain.fit", seed=7, NOTE="another header", **cards)
    (folder / "empty.fit").touch()
    (folder / "text.fits").write_text("not FITS")
    (folder / "cut.fit").write_bytes((folder / "bias_0.fit").read_bytes()[:2900])
    (folder / "folder.fit").mkdir()
    (folder / "gone.fit").symlink_to(folder / "nowhere")
    write_frame(folder / "dark.fit", IMAGETYP="dark", EXPTIME=-5.0)
    write_frame(folder / "m31.fit", EXPTIME=10.0)
    write_frame(folder / "arc.fit", IMAGETYP="comp", EXPTIME=10.0)
    write_frame(folder / "done.fit", IMAGETYP="object", EXPTIME=10.0, HISTORY="Auto-Dark Subtraction")
    (folder / "notes.txt").write_text("clouds")
    return folder


def test_each_file_is_named_once_and_none_stops_the_rest(tmp_path: Path) -> None:
    result = sort_folder(bad_folder(tmp_path))
    assert [r.name for r in result.records] == [
        "again.fit",
        "bias_0.fit",
        "bias_1.fit",
        "bias_2.fit",
        "bias_3.fit",
    ]
    assert named(result) == sorted(path.name for path in tmp_path.iterdir())
    assert result.ignored == ("notes.txt",)
    why = reasons(result)
    assert why["copy_of_1.fit"] == "the same content as bias_1.fit, which comes first"
    assert "the same pixels as again.fit" in why["bgain.fit"]
    assert "negative" in why["dark.fit"]
    assert "type is not known" in why["m31.fit"]
    assert "listed, not reduced" in why["arc.fit"]
    assert "already calibrated: HISTORY Auto-Dark" in why["done.fit"]
    severity = {aside.name: aside.severity for aside in result.set_aside}
    assert severity["arc.fit"] == "info"
    for name in ("empty.fit", "text.fits", "cut.fit", "folder.fit", "gone.fit"):
        assert severity[name] == "error"
        assert why[name]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.fit")
    assert "not a regular file" in reasons(sort_folder(tmp_path))["pipe.fit"]


def test_foreign_errors_of_a_scan_are_set_aside(tmp_path: Path) -> None:
    write_frame(tmp_path / "bias_1.fit")
    write_frame(tmp_path / "bias_2.fit")

    def fragile(path: Path) -> Any:
        if path.name == "bias_1.fit":
            raise ZeroDivisionError("oh")
        return scan(path)

    result = sort_folder(tmp_path, scan=fragile)
    assert reasons(result) == {"bias_1.fit": "cannot be used (ZeroDivisionError: oh)"}
    assert [record.name for record in result.records] == ["bias_2.fit"]


def test_errors_of_frames_are_told_without_path_and_class(tmp_path: Path) -> None:
    write_frame(tmp_path / "bias_1.fit")

    def contradicting(path: Path) -> Any:
        raise FrameError(f"{path}: DATASEC leaves the image")

    result = sort_folder(tmp_path, scan=contradicting)
    assert reasons(result) == {"bias_1.fit": "DATASEC leaves the image"}


def test_a_folder_that_cannot_be_read_is_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_frame(tmp_path / "bias_1.fit")
    write_frame(tmp_path / "closed" / "bias_2.fit")
    scandir = os.scandir

    # Permissions do not stop an administrator, so the refusal is made here.
    def refusing(path: Any) -> Any:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    result = sort_folder(tmp_path)
    (aside,) = result.set_aside
    assert (aside.name, aside.severity) == ("closed/", "error")
    assert "Permission denied" in aside.reason
    assert result.ignored == ()


def test_workers_make_no_difference_and_progress_is_told(tmp_path: Path) -> None:
    bad_folder(tmp_path)
    told: list[tuple[int, int, str]] = []
    one = sort_folder(tmp_path)
    four = sort_folder(
        tmp_path, workers=4, on_progress=lambda done, total, name: told.append((done, total, name))
    )
    assert [record.name for record in one.records] == [record.name for record in four.records]
    assert one.set_aside == four.set_aside
    assert one.remarks == four.remarks
    assert [done for done, _, _ in told] == list(range(1, len(told) + 1))
    assert {total for _, total, _ in told} == {len(told)}


def test_patterns(tmp_path: Path) -> None:
    write_frame(tmp_path / "flat-1.fit", IMAGETYP="Light Frame", EXPTIME=1.0)
    result = sort_folder(tmp_path, frames_config={"flat": "flat-*", "arc": "hg*"})
    assert [(record.type, record.is_guess) for record in result.records] == [("flat", False)]
    assert "the pattern arc = 'hg*' fits no file" in [remark.text for remark in result.remarks]
    with pytest.raises(ConfigError, match="two types"):
        sort_folder(tmp_path, frames_config={"flat": "flat-*", "dark": "*-1*"})


def test_problems_go_to_the_record(tmp_path: Path) -> None:
    write_frame(tmp_path / "dark_10s_1.fit", EXPTIME=20.0)
    record = sort_folder(tmp_path).records[0]
    assert any("10 s by name, 20 s by the card" in problem for problem in record.problems)


def test_output_folder_is_left_out(tmp_path: Path) -> None:
    write_frame(tmp_path / "bias_1.fit")
    write_frame(tmp_path / "out" / "masters" / "bias.fits")
    assert named(sort_folder(tmp_path, exclude=[tmp_path / "out"])) == ["bias_1.fit"]


def test_a_frame_that_is_not_used_makes_no_other_superfluous(tmp_path: Path) -> None:
    write_frame(tmp_path / "a.fit", seed=1, EXPTIME=1.0)
    shutil.copy(tmp_path / "a.fit", tmp_path / "target.fit")
    result = sort_folder(tmp_path)
    assert [record.name for record in result.records] == ["target.fit"]


def test_truth_of_a_simulation_is_no_warning(tmp_path: Path) -> None:
    write_frame(tmp_path / "truth.fits", PRODUCT="truth")
    write_frame(tmp_path / "bias_1.fits", PRODUCT="bias")
    severity = {aside.name: aside.severity for aside in sort_folder(tmp_path).set_aside}
    assert severity == {"truth.fits": "info", "bias_1.fits": "warning"}


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile):
        sort_folder(tmp_path / "nothing")


needs_data = pytest.mark.skipif(not DATA.exists(), reason="the real frames in ../shared/data are not there")


@pytest.mark.real
@needs_data
def test_stl1001_lab() -> None:
    result = sort_folder(DATA / "stl1001-lab", frames_config={"flat": "flat-*"})
    assert result.set_aside == ()
    assert {remark.severity for remark in result.remarks} <= {"info"}
    found = {(g.type, name): len(g.records) for g, name in labels(group(result.records)).items()}
    assert found["bias", "1x1-m5C"] == 10
    assert found["bias", "1x1-m10C"] == 5
    assert found["dark", "60s-1x1-m5C"] == 11
    assert found["flat", "Visible-1x1-m5C"] == 10
    assert sum(found.values()) == 47


@pytest.mark.real
@needs_data
def test_st402_spectra() -> None:
    table = {"flat": "L2-flat-*", "arc": "L2-arc-*", "star": "L2-star-*"}
    result = sort_folder(DATA / "st402-spectra", frames_config=table)
    why = reasons(result)
    assert len(why) == 5
    assert all("Auto-Dark Subtraction" in reason for reason in why.values())
    assert "L2-flat-red-180.00000000.FIT" in why
    found = {(g.type, name): len(g.records) for g, name in labels(group(result.records)).items()}
    assert found == {
        ("dark", "240s-1x2-m15C"): 5,
        ("dark", "360s-1x2-m15C"): 5,
        ("dark", "1200s-1x2-m15C"): 5,
        ("flat", "Clear-1x2-m15C"): 8,
        ("science", "Clear-1x2-m15C"): 10,
    }
