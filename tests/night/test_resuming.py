"""Doing only what is missing or stale, and keeping the output folder clean."""

from __future__ import annotations

import os
import shutil

import pytest
from astropy.io import fits

from fullwell.errors import AlreadyExists, FullwellError
from fullwell.night import reduce


def times(out):
    return {
        path.relative_to(out).as_posix(): path.stat().st_mtime_ns
        for path in out.rglob("*")
        if path.is_file() and path.name != "lock"
    }


def changed(before, after):
    return {name for name in after if after[name] != before.get(name)} - {
        name for name in after if name.startswith(".fullwell/look")
    }


def test_a_second_run_does_nothing(raw, reduced, run, tree):
    before, content = times(reduced), tree(reduced)
    run(raw, reduced)
    assert times(reduced) == before
    assert tree(reduced) == content


def test_a_copied_output_folder_is_as_good(raw, reduced, run, whole, tree):
    run(raw, reduced)
    assert tree(reduced) == tree(whole.out)


def test_touched_but_equal_files_change_nothing(raw, reduced, run):
    before = times(reduced)
    for path in raw.glob("*.fits"):
        os.utime(path)
    run(raw, reduced)
    assert times(reduced) == before


@pytest.mark.parametrize("workers", [2, 4])
def test_workers_do_not_change_a_bit(whole, whole_folder, out, run, tree, workers):
    run(whole_folder, out, workers=workers)
    assert tree(out) == tree(whole.out)


def test_workers_and_the_report_with_pictures(raw, tmp_path, run, tree):
    for path in sorted(raw.glob("dark_120s*")) + sorted(raw.glob("field_2*")):
        path.unlink()
    for workers in (1, 3):
        run(raw, tmp_path / f"out{workers}", workers=workers, report={"pictures": True, "width": 64})
    assert tree(tmp_path / "out1") == tree(tmp_path / "out3")


def test_a_science_frame_more(raw, reduced, run, Night):
    before = times(reduced)
    Night(raw).science(1, stem="new")
    run(raw, reduced)
    redone = {name for name in changed(before, times(reduced)) if not name.startswith(".fullwell")}
    assert redone == {"calibrated/new_1.fits", "results.json", "report.html"}


def test_a_science_frame_less(raw, reduced, run):
    before = times(reduced)
    (raw / "field_2.fits").unlink()
    ran = run(raw, reduced)
    assert ran.result.removed == ("calibrated/field_2.fits",)
    assert not (reduced / "calibrated" / "field_2.fits").exists()
    redone = {name for name in changed(before, times(reduced)) if not name.startswith(".fullwell")}
    assert redone == {"results.json", "report.html"}


def test_a_bias_less_makes_everything_again(raw, reduced, run):
    before = times(reduced)
    (raw / "bias_3.fits").unlink()
    run(raw, reduced)
    redone = {name for name in changed(before, times(reduced)) if name.endswith(".fits")}
    assert redone == {name for name in before if name.endswith(".fits")}


def test_frames_that_change_their_names(raw, reduced, run, whole, tree):
    (raw / "field_1.fits").rename(raw / "other.fits")
    (raw / "field_2.fits").rename(raw / "field_1.fits")
    (raw / "other.fits").rename(raw / "field_2.fits")
    run(raw, reduced)
    ours, theirs = tree(reduced), tree(whole.out)
    assert ours["calibrated/field_1.fits"] == theirs["calibrated/field_2.fits"]
    assert ours["calibrated/field_2.fits"] == theirs["calibrated/field_1.fits"]


def test_a_product_that_was_changed_or_removed_is_made_again(raw, reduced, run, whole, tree):
    with fits.open(reduced / "calibrated" / "field_1.fits", mode="update") as hdus:
        hdus[0].data[5, 5] = 1e6
    (reduced / "calibrated" / "field_2.fits").unlink()
    (reduced / whole.master("flat")["path"]).unlink()
    run(raw, reduced)
    assert tree(reduced) == tree(whole.out)


def test_another_configuration_makes_stale_what_it_changes(raw, reduced, run, whole):
    ran = run(raw, reduced, detector={"gain": 3.0})
    assert ran.header("calibrated/field_1.fits")["FWCONF"] != whole.data["configuration"]["hash"]
    assert ran.science("field_1.fits")["gain"] == [3.0]


def test_the_report_is_no_part_of_the_products(raw, reduced, run, tree, whole):
    ran = run(raw, reduced, report={"write": False, "pictures": False})
    assert ran.result.removed == ("report.html",)
    assert not (reduced / "report.html").exists()
    ours = {name: digest for name, digest in tree(reduced).items() if name.endswith(".fits")}
    assert ours == {name: digest for name, digest in tree(whole.out).items() if name.endswith(".fits")}


def test_files_of_others_are_left_alone(raw, reduced, run):
    notes = reduced / "calibrated" / "notes.txt"
    notes.write_text("mine")
    run(raw, reduced)
    assert notes.read_text() == "mine"


def test_a_folder_of_others_is_refused(raw, out, run):
    out.mkdir()
    (out / "thesis.tex").write_text("years of work")
    with pytest.raises(AlreadyExists, match="did not write"):
        run(raw, out)
    assert [path.name for path in out.iterdir()] == ["thesis.tex"]
    run(raw, out, overwrite=True)
    assert (out / "thesis.tex").read_text() == "years of work"


def test_a_file_in_the_way_is_not_replaced_unasked(raw, reduced, run, Night):
    Night(raw).science(1, stem="new")
    mine = reduced / "calibrated" / "new_1.fits"
    mine.write_text("mine")
    with pytest.raises(AlreadyExists, match="new_1"):
        run(raw, reduced)
    assert mine.read_text() == "mine"
    run(raw, reduced, overwrite=True)
    assert mine.stat().st_size > 10000


def test_what_a_killed_run_left_half_written_goes(raw, reduced, run):
    rest = [reduced / where / ".fullwell-1-ab.tmp" for where in ("", "masters", "calibrated", ".fullwell")]
    for path in rest:
        path.write_bytes(b"half")
    run(raw, reduced)
    assert not any(path.exists() for path in rest)


def test_two_runs_at_once(raw, out, run):
    from fullwell.night.output_folder import OutputFolder

    with (
        OutputFolder(out).claimed(),
        pytest.raises(AlreadyExists, match="another reduction is at work"),
    ):
        run(raw, out)
    run(raw, out)


def test_a_dry_run_writes_nothing(raw, reduced, out, run, tmp_path):
    before = times(reduced)
    (raw / "field_2.fits").unlink()
    ran = run(raw, reduced, dry_run=True)
    assert ran.data["to_do"] == []
    assert times(reduced) == before
    ran = run(raw, tmp_path / "new", dry_run=True)
    assert not (tmp_path / "new").exists()
    assert len(ran.data["to_do"]) == 6  # bias, gain, dark, flat, defects, one frame
    assert ran.data["calibrated"][0]["status"] == "planned"


def test_nothing_is_left_of_a_run_that_could_not_begin(raw, out):
    from fullwell.config import parse_config
    from fullwell.night import ReduceConfig

    config = parse_config({"frames": {"flat": "f*", "bias": "fi*"}}, ReduceConfig)
    with pytest.raises(FullwellError, match="patterns of two types"):
        reduce(raw, out, config=config)
    assert not out.exists()


def test_a_damaged_memory_is_no_harm(raw, reduced, run, whole, tree):
    for path in (reduced / ".fullwell").glob("*.json"):
        if path.name != "outputs.json":
            path.write_text('{"key": "half')
    run(raw, reduced)
    assert tree(reduced) == tree(whole.out)


def test_without_its_memory_the_folder_is_not_ours(raw, reduced, run, whole, tree):
    shutil.rmtree(reduced / ".fullwell")
    with pytest.raises(AlreadyExists):
        run(raw, reduced)
    run(raw, reduced, overwrite=True)
    assert tree(reduced) == tree(whole.out)
