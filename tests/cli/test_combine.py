from __future__ import annotations

import gzip
import json
import os

import numpy as np
import pytest
from astropy.io import fits
from click.testing import CliRunner

import fullwell as fw
from fullwell.cli import main

SHAPE = (40, 50)


def bare(path, data):
    """A file with nothing but the mandatory cards (and BZERO, which unsigned integers need)."""
    cards = [("SIMPLE", "T"), ("BITPIX", "16"), ("NAXIS", "2"), ("NAXIS1", SHAPE[1]), ("NAXIS2", SHAPE[0])]
    header = "".join(f"{key:8s}= {value!s:>20s}".ljust(80) for key, value in [*cards, ("BZERO", "32768")])
    content = (data.astype(np.int64) - 32768).astype(">i2").tobytes()
    path.write_bytes((header + "END").ljust(2880).encode() + content + b"\0" * (-len(content) % 2880))


@pytest.fixture
def files(tmp_path):
    random = np.random.default_rng(3)
    paths = []
    for i in range(12):
        data = np.rint(random.normal(1000, 5, SHAPE)).astype(np.uint16)
        data[i, i] = 60000
        paths.append(tmp_path / f"raw{i:02d}.fits")
        bare(paths[-1], data)
    return paths


def call(*arguments):
    return CliRunner().invoke(main, ["combine", *(str(argument) for argument in arguments)])


@pytest.mark.parametrize("method", ["mean", "median"])
@pytest.mark.parametrize("spread", ["std", "mad", "noise"])
def test_the_file_holds_what_combine_returns(files, tmp_path, method, spread):
    out = tmp_path / "out.fits"
    noise = ("--read-noise", 10, "--gain", 2) if spread == "noise" else ()
    options = {"method": method, "clip": 3.0, "spread": spread}

    result = call(*files, "-o", out, "--method", method, "--spread", spread, *noise)

    assert result.exit_code == 0, result.output
    want = fw.combine(
        [fw.read(path) for path in files], **options, noise=fw.NoiseModel(5.0, 2.0) if noise else None
    )
    assert np.diag(want.rejected)[:12].all()
    frame = fw.read(out)
    np.testing.assert_array_equal(frame.data, want.frame.data)
    np.testing.assert_allclose(frame.variance, want.frame.variance, rtol=1e-6)
    np.testing.assert_array_equal(fits.getdata(out, "USED"), want.used)
    header = fits.getheader(out)
    assert header["NCOMBINE"] == 12
    assert "raw11.fits" in str(header["HISTORY"])


def test_no_clipping(files, tmp_path):
    assert call(*files, "-o", tmp_path / "out.fits", "--clip", 0).exit_code == 0

    mean = np.mean([fits.getdata(path).astype(np.float64) for path in files], axis=0)
    np.testing.assert_array_equal(fw.read(tmp_path / "out.fits").data, mean.astype(np.float32))


def test_packed_files_and_plain_ones_together(files, tmp_path):
    packed = [tmp_path / "a.fits.gz", tmp_path / "b.fits.fz"]
    packed[0].write_bytes(gzip.compress(files[0].read_bytes()))
    fits.CompImageHDU(fits.getdata(files[1]), fits.getheader(files[1])).writeto(packed[1])

    for paths, out in ((files, "plain.fits"), ([*packed, *files[2:]], "mixed.fits")):
        assert call(*paths, "-o", tmp_path / out).exit_code == 0

    np.testing.assert_array_equal(
        fw.read(tmp_path / "plain.fits").data, fw.read(tmp_path / "mixed.fits").data
    )


def test_json(files, tmp_path):
    result = call(*files, "-o", tmp_path / "out.fits", "--json", "--workers", 1, "--memory", 1)

    content = json.loads(result.stdout)
    assert content["shape"] == list(SHAPE)
    assert content["spread"] == "std"
    assert len(content["rejected_fraction"]) == 12
    assert min(content["rejected_fraction"]) >= 1 / 2000


def test_a_dry_run_writes_nothing_and_sees_what_does_not_fit(files, tmp_path):
    out = tmp_path / "out.fits"
    assert "would write" in call(*files, "-o", out, "--dry-run").stdout
    assert not out.exists()

    fits.writeto(tmp_path / "small.fits", np.zeros((3, 3), np.int16))
    result = call(*files, tmp_path / "small.fits", "-o", out, "--dry-run")
    assert result.exit_code == 1
    assert "small.fits" in result.stderr


def test_nothing_is_replaced_unasked(files, tmp_path):
    out = tmp_path / "out.fits"
    out.write_text("mine")

    result = call(*files, "-o", out)

    assert result.exit_code == 2
    assert "--overwrite" in result.stderr
    assert out.read_text() == "mine"
    assert call(*files, "-o", out, "--overwrite").exit_code == 0


def test_a_stack_takes_the_place_of_no_frame_of_its_own(files, tmp_path):
    before = files[0].read_bytes()
    link = tmp_path / "link.fits"
    link.symlink_to(files[0])
    for output in (files[0], link):
        result = call(*files, "-o", output, "--overwrite")
        assert result.exit_code == 2
        assert "one of the frames" in result.stderr
    assert files[0].read_bytes() == before


def test_a_pipe_stays_a_pipe(files, tmp_path):
    pipe = tmp_path / "pipe.fits"
    os.mkfifo(pipe)
    result = call(*files, "-o", pipe, "--overwrite")
    assert result.exit_code != 0
    assert "no plain file" in result.stderr
    assert pipe.is_fifo()


def test_a_noise_model_that_does_not_hold_is_told_by_the_exit_code(files, tmp_path):
    result = call(
        *files, "-o", tmp_path / "out.fits", "--spread", "noise", "--read-noise", 0.1, "--gain", 100
    )

    assert result.exit_code == 1
    assert "does not hold" in result.stdout


def test_a_clip_that_cannot_reject_is_told_in_the_words_of_the_command_line(files, tmp_path):
    result = call(*files[:3], "-o", tmp_path / "out.fits")

    assert result.exit_code == 0
    assert "use --spread noise or a --clip below that" in result.stdout


def test_noise_that_nobody_knows(files, tmp_path):
    result = call(*files, "-o", tmp_path / "out.fits", "--spread", "noise")

    assert result.exit_code == 2
    assert "--spread" in result.stderr
    assert "--read-noise and --gain" in result.stderr


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--read-noise", 5), ["--read-noise", "needs --gain"]),
        (("--gain", 2), ["--gain", "needs --read-noise"]),
        (("--pedestal", 100), ["--pedestal", "needs --read-noise and --gain"]),
        (("--pedestal", "nan", "--read-noise", 5, "--gain", 2), ["--pedestal", "finite"]),
        (("--read-noise", 5, "--gain", "inf"), ["--gain", "finite"]),
        (("--clip", "inf"), ["--clip", "finite", "or 0"]),
        (("--clip", "nan"), ["--clip", "finite", "or 0"]),
        (("--spread", "noise"), ["--read-noise and --gain"]),
    ],
)
def test_options_that_are_impossible_or_would_be_dropped_are_refused(files, tmp_path, options, words, dry):
    result = call(*files, "-o", tmp_path / "out.fits", *options, *dry)

    assert result.exit_code == 2
    for word in words:
        assert word in result.stderr
    assert not (tmp_path / "out.fits").exists()


def test_a_gain_in_the_header_that_cannot_be_used_is_named(files, tmp_path):
    for path in files:
        fits.setval(path, "GAIN", value=0.0, comment="e-/ADU")

    result = call(*files, "-o", tmp_path / "out.fits", "--read-noise", 5)

    assert result.exit_code == 2
    assert "GAIN = 0.0" in result.stderr


def test_a_gain_for_frames_in_electrons(files, tmp_path):
    for path in files:
        fits.setval(path, "BUNIT", value="electron")

    result = call(*files, "-o", tmp_path / "out.fits", "--read-noise", 5, "--gain", 2)

    assert result.exit_code == 2
    assert "in electrons already" in result.stderr
    assert call(*files, "-o", tmp_path / "out.fits", "--read-noise", 5).exit_code == 0


def test_variances_of_the_frames_do_for_a_noise_model(files, tmp_path):
    frames = [tmp_path / f"{i}.fits" for i in range(4)]
    for path, source in zip(frames, files, strict=False):
        fw.write(fw.read(source).with_(variance=np.full(SHAPE, 100.0, np.float32)), path)

    for dry in (["--dry-run"], []):
        result = call(*frames, "-o", tmp_path / "out.fits", "--spread", "noise", "--clip", 5, *dry)
        assert result.exit_code == 0, result.output
    result = call(*frames, files[5], "-o", tmp_path / "new.fits", "--dry-run")
    assert result.exit_code == 1
    assert "UNCERT" in result.stderr


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
@pytest.mark.parametrize(
    ("name", "code", "word"),
    [("no/out.fits", 1, "folder"), ("out.fits.gz", 2, "compression"), ("", 1, "folder")],
)
def test_an_output_that_cannot_be_written(files, tmp_path, name, code, word, dry):
    result = call(*files, "-o", tmp_path / name, "--overwrite", *dry)

    assert result.exit_code == code
    assert word in result.stderr


def test_a_broken_file(files, tmp_path):
    files[3].write_bytes(files[3].read_bytes()[:3000])

    result = call(*files, "-o", tmp_path / "out.fits")

    assert result.exit_code == 1
    assert "truncated" in result.stderr
    assert not (tmp_path / "out.fits").exists()


def test_the_command_does_not_drag_in_what_it_does_not_need():
    import subprocess
    import sys

    code = (
        "import sys, fullwell.cli.combine, fullwell.combining, fullwell.io\n"
        "heavy = {'astropy.nddata', 'astropy.table', 'astropy.wcs', 'matplotlib', 'numba', 'scipy'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
