"""A bundle rebuilds in a clean folder; whatever is tampered with is caught and named."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import yaml

from ipt_outcomes.cli import main
from ipt_outcomes.provenance import verify as verification
from ipt_outcomes.provenance.archive import ArchiveError, unpack, unzipped, zipped
from ipt_outcomes.provenance.bundle import MANIFEST
from ipt_outcomes.provenance.claims import ClaimsError, check_claims, read_claims
from ipt_outcomes.provenance.integrity import BundleError, integrity, read_manifest
from ipt_outcomes.provenance.rebuild import analyse
from ipt_outcomes.provenance.verify import compare
from ipt_outcomes.provenance.verify_page import verification_page, verification_table
from ipt_outcomes.results import read, write
from ipt_outcomes.study.locking import lock_plan

DIFFERENCE = "example/hamd17/primary/as-randomised/policy/difference/IPT/MED/week_16"
FIGURE = "results/example/figures/adjusted_means_hamd17"
TABLE = "results/example/tables/baseline.csv"


def failures(files, rebuilt, manifest=None):
    """What fails, as {(kind, what)}: the checks of files, and of all numbers."""
    manifest = manifest or read_manifest(files)
    checks = integrity(files, manifest) + compare(files, manifest, rebuilt)
    return {(c.kind, c.what): c.detail for c in checks if c.status == "fail"}


def with_new_checksums(files):
    """The same files by a forger who also mends the manifest."""
    manifest = json.loads(files[MANIFEST])
    manifest["checksums"] = {
        path: hashlib.sha256(files[path]).hexdigest() for path in manifest["checksums"]
    }
    return {**files, MANIFEST: json.dumps(manifest).encode()}


def test_untouched_bundle_passes_everywhere(published):
    checks = integrity(published.files, published.manifest)
    checks += compare(published.files, published.manifest, published.rebuilt)
    assert {check.status for check in checks} == {"pass"}
    kinds = {check.kind for check in checks}
    assert kinds == {"number", "figure", "table", "report", "result", "data", "config", "code",
                     "description"}  # fmt: skip
    rows = read(published.folder / "results" / "shared" / "estimates.parquet")
    assert sum(check.kind == "number" for check in checks) == len(rows)


def edited_scores(files):
    frame = pd.read_parquet(io.BytesIO(files["data/example/scores.parquet"]))
    at_endpoint = (frame["outcome"] == "hamd17") & (frame["visit"] == "week_16")
    place = frame.index[frame["score"].notna() & at_endpoint][7]
    frame.loc[place, "score"] += 1
    return {**files, "data/example/scores.parquet": frame.to_parquet(index=False)}


def edited_estimates(files, tmp_path, change=1e-4):
    """One estimate moved, in both files of the table."""
    path = tmp_path / "estimates.parquet"
    path.write_bytes(files["results/estimates.parquet"])
    rows = read(path)
    at = rows["id"] == DIFFERENCE
    for name in ("estimate", "lower", "upper"):
        rows.loc[at, name] += change
    write(rows, path, tmp_path / "estimates.csv")
    return {
        **files,
        "results/estimates.parquet": path.read_bytes(),
        "results/estimates.csv": (tmp_path / "estimates.csv").read_bytes(),
    }


def other_picture(files):
    from matplotlib.image import imread, imsave

    pixels = imread(io.BytesIO(files[f"{FIGURE}.png"])).copy()
    pixels[40:44, 40:44, :3] = 0.5
    stream = io.BytesIO()
    imsave(stream, pixels, format="png")
    return {**files, f"{FIGURE}.png": stream.getvalue()}


def edited_source(files):
    source = unzipped(files["code/source.zip"])
    name = "src/ipt_outcomes/analyses/effect_size.py"
    source[name] += b"\n# a later thought\n"
    return {**files, "code/source.zip": zipped(source)}


def edit(name, old, new):
    def change(files):
        assert old in files[name]
        return {**files, name: files[name].replace(old, new, 1)}

    return change


@pytest.mark.parametrize(
    ("tamper", "kind", "what"),
    [
        (edited_scores, "data", "data/example/scores.parquet"),
        (edit("config/config.yaml", b"level: 0.95", b"level: 0.90"), "config", "config/config.yaml"),
        (edited_source, "code", "code/source.zip"),
        (other_picture, "figure", f"{FIGURE}.png"),
        (edit(f"{FIGURE}.csv", b"IPT", b"XPT"), "figure", f"{FIGURE}.csv"),
        (edit(f"{FIGURE}.json", b"Adjusted", b"Adjusting"), "figure", f"{FIGURE}.json"),
        (edit(TABLE, b"IPT", b"XPT"), "table", TABLE),
        (edit("results/report.html", b"IPT", b"XPT"), "report", "results/report.html"),
        (edit("results/estimates.csv", b"IPT", b"XPT"), "result", "results/estimates.csv"),
        (lambda files: {n: c for n, c in files.items() if n != TABLE}, "table", TABLE),
        (lambda files: {**files, "data/more.csv": b"x"}, "data", "data/more.csv"),
        (edit("CITATION.cff", b"title", b"Title"), "description", "CITATION.cff"),
    ],
)  # fmt: skip
def test_each_changed_file_is_named(published, tamper, kind, what):
    tampered = tamper(dict(published.files))
    found = {
        (c.kind, c.what) for c in integrity(tampered, read_manifest(tampered)) if c.status == "fail"
    }
    assert (kind, what) in found


def test_estimate_changed_with_its_checksum_is_caught_by_the_rebuild(published, tmp_path):
    tampered = with_new_checksums(edited_estimates(dict(published.files), tmp_path))
    found = failures(tampered, published.rebuilt)
    assert ("number", DIFFERENCE) in found
    assert "rebuilt" in found["number", DIFFERENCE]
    assert sum(kind == "number" for kind, _ in found) == 1


def test_picture_and_words_changed_with_their_checksums_are_caught(published):
    tampered = with_new_checksums(other_picture(dict(published.files)))
    found = failures(tampered, published.rebuilt)
    assert set(found) == {("figure", FIGURE)}
    assert "16 pixels differ" in found["figure", FIGURE]
    worded = edit(f"{FIGURE}.json", b"Adjusted", b"Adjusting")(dict(published.files))
    assert "words" in failures(with_new_checksums(worded), published.rebuilt)["figure", FIGURE]


def test_pixels_are_not_compared_on_another_platform(published):
    tampered = with_new_checksums(other_picture(dict(published.files)))
    manifest = {**read_manifest(tampered), "platform": "Other"}
    assert failures(tampered, published.rebuilt, manifest) == {}


def test_table_and_plotted_data_changed_with_their_checksums_are_caught(published):
    for name, kind, what in ((TABLE, "table", TABLE), (f"{FIGURE}.csv", "figure", FIGURE)):
        tampered = with_new_checksums(edit(name, b"IPT", b"XPT")(dict(published.files)))
        assert (kind, what) in failures(tampered, published.rebuilt)


def test_number_of_the_report_changed_with_its_checksum_is_caught(published):
    page = published.files["results/report.html"].decode()
    start = page.index(f'data-estimate="{DIFFERENCE}" data-form="estimate"')
    end = page.index("</span>", start)
    text = page[page.index(">", start) + 1 : end]
    changed = page[: end - len(text)] + "−9.99" + page[end:]
    tampered = with_new_checksums({**published.files, "results/report.html": changed.encode()})
    found = failures(tampered, published.rebuilt)
    assert set(found) == {("report", f"{DIFFERENCE} (estimate)")}


def test_code_with_new_checksum_and_fingerprint_differs_from_the_installed_release(published):
    tampered = edited_source(dict(published.files))
    manifest = json.loads(tampered[MANIFEST])
    from ipt_outcomes.provenance.source import fingerprint_of

    manifest["program"]["fingerprint"] = fingerprint_of(unzipped(tampered["code/source.zip"]))
    tampered = with_new_checksums({**tampered, MANIFEST: json.dumps(manifest).encode()})
    found = failures(tampered, published.rebuilt)
    assert "effect_size.py" in found["code", "installed release"]
    older = json.loads(tampered[MANIFEST])
    older["program"]["version"] = "0.0.9"
    notes = [c for c in integrity(tampered, older) if c.status == "note"]
    assert "0.0.9" in notes[0].detail


def test_row_that_was_left_out_or_made_up_is_caught(published, tmp_path):
    path = tmp_path / "estimates.parquet"
    path.write_bytes(published.files["results/estimates.parquet"])
    rows = read(path)
    kept = rows[rows["id"] != DIFFERENCE].reset_index(drop=True)
    kept.loc[0, "id"] = "example/made-up"
    write(kept, path, tmp_path / "e.csv")
    tampered = {
        **published.files,
        "results/estimates.parquet": path.read_bytes(),
        "results/estimates.csv": (tmp_path / "e.csv").read_bytes(),
    }
    found = failures(with_new_checksums(tampered), published.rebuilt)
    assert "not among the published rows" in found["number", DIFFERENCE]
    assert "gave no such row" in found["number", "example/made-up"]


def test_command_writes_a_page_and_says_what_fails(published, tmp_path, monkeypatch, capsys):
    """The command end to end; the rebuild of the fixture stands in for a second one."""

    def rebuilt(files, folder, processes=1):
        shutil.copytree(published.rebuilt, folder / "out")

    monkeypatch.setattr(verification, "run_rebuild", rebuilt)
    claims = tmp_path / "claims.csv"
    row = read(published.rebuilt / "estimates.parquet").set_index("id").loc[DIFFERENCE]
    claims.write_text(
        f"what,value,tolerance\n{DIFFERENCE},{row['estimate']:.2f},0.005\n"
        f"{DIFFERENCE}:lower,{row['lower']:.2f},0.005\n", "utf-8"
    )  # fmt: skip
    digest = hashlib.sha256(published.bundle.read_bytes()).hexdigest()
    command = ["verify", str(published.bundle), "--out", str(tmp_path)]
    assert main([*command, "--claims", str(claims), "--sha256", digest[:12]]) == 0
    said = capsys.readouterr().out
    assert "rebuilt and agrees" in said
    page = (tmp_path / "verification.html").read_text("utf-8")
    assert "Pass." in page
    assert DIFFERENCE in page
    tampered = tmp_path / "tampered.zip"
    tampered.write_bytes(zipped(edited_scores(dict(published.files))))
    assert main(["verify", str(tampered), "--out", str(tmp_path)]) == 1
    assert "FAIL data: data/example/scores.parquet" in capsys.readouterr().out
    assert main(["verify", str(claims), "--out", str(tmp_path)]) == 1
    assert "damaged" in capsys.readouterr().err
    assert main([*command, "--sha256", "0" * 16]) == 1


def test_forged_data_give_other_numbers(published, tmp_path):
    """Checksums mended: only the rebuild can tell."""
    forged = with_new_checksums(edited_scores(dict(published.files)))
    unpack({n: c for n, c in forged.items() if n.startswith(("data/", "config/"))}, tmp_path)
    config, data = str(tmp_path / "config" / "config.yaml"), str(tmp_path / "data")
    task = (config, data, "example", "primary", "hamd17")
    assert analyse(task, str(tmp_path / "out")) is None
    again = read(tmp_path / "out" / "example" / "estimates" / "primary_hamd17.parquet")
    true = read(published.rebuilt / "estimates.parquet").set_index("id").loc[DIFFERENCE, "estimate"]
    assert again.set_index("id").loc[DIFFERENCE, "estimate"] != pytest.approx(true, abs=1e-6)


def test_analysis_that_cannot_run_is_named_and_the_others_go_on(published, tmp_path):
    unpack({n: c for n, c in published.files.items() if n.startswith("config/")}, tmp_path)
    task = (str(tmp_path / "config" / "config.yaml"), str(tmp_path), "example", "describe", None)
    assert "scores.parquet" in str(analyse(task, str(tmp_path / "out")))


def test_withheld_columns_cannot_be_rebuilt_and_never_pass(published):
    manifest = dict(published.manifest)
    manifest["data"] = {**manifest["data"], "not_rebuilt": [DIFFERENCE]}
    checks = compare(published.files, manifest, published.rebuilt)
    status = {c.what: c.status for c in checks if c.kind == "number"}
    assert status[DIFFERENCE] == "cannot be rebuilt"
    found = verification.Verification(("b", "0"), manifest, checks)
    assert found.exit_code == 3
    claim = read_claims_of(f"what,value,tolerance\n{DIFFERENCE},1,9\n", published.folder)
    table = read(published.rebuilt / "estimates.parquet")
    assert [c.status for c in check_claims(claim, table, table, {DIFFERENCE})] == [
        "cannot be rebuilt"
    ]


def read_claims_of(text, folder: Path):
    path = folder / "claims.csv"
    path.write_text(text, "utf-8")
    return read_claims(path)


def test_claims_are_judged_by_their_tolerance(published, tmp_path):
    table = read(published.rebuilt / "estimates.parquet")
    value = table.set_index("id").loc[DIFFERENCE, "estimate"]
    claims = read_claims_of(
        f"what,value,tolerance\n{DIFFERENCE},{value + 0.004},0.005\n{DIFFERENCE},{value + 0.006},"
        f"0.005\n{DIFFERENCE[:-1]},1,1\n", tmp_path
    )  # fmt: skip
    found = list(check_claims(claims, table, table, set()))
    assert [check.status for check in found] == ["pass", "fail", "fail"]
    assert f"did you mean {DIFFERENCE}" in found[2].detail
    with pytest.raises(ClaimsError) as raised:
        read_claims_of("what,value,tolerance\na,x,1\nb,1,-1\n,1,1\nc:colour,1,1\n", tmp_path)
    for line in ("line 2", "line 3", "line 4", "line 5"):
        assert line in str(raised.value)
    with pytest.raises(ClaimsError, match="lacks the column value"):
        read_claims_of("what\n", tmp_path)


@pytest.mark.parametrize("name", ["../evil.py", "/etc/evil", "a/../../evil", "C:evil", "a\\b"])
def test_archives_that_would_write_elsewhere_are_refused(name):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, "x")
    with pytest.raises(ArchiveError, match="outside its folder"):
        unzipped(stream.getvalue())


def test_seed_and_locked_plan_are_held_against_the_manifest(published, tmp_path):
    def failing(kind, files, manifest):
        return [
            c.detail for c in integrity(files, manifest)
            if (c.kind, c.status) == (kind, "fail") and "added after publication" not in c.detail
        ]  # fmt: skip

    other = with_new_checksums(edit("config/config.yaml", b"seed: 2", b"seed: 3")(published.files))
    (said,) = failing("config", other, read_manifest(other))
    assert said == "is 30261122, the results were made with 20261122"
    shutil.copy(published.folder / "config.yaml", tmp_path)
    shutil.copytree(published.folder / "data", tmp_path / "data")
    lock = lock_plan(tmp_path / "config.yaml").read_bytes()
    files = {**published.files, "config/analysis_plan.lock.yaml": lock}
    of_run = {"locked_on": "x", "sha256": yaml.safe_load(lock)["sha256"]}
    manifest = {**published.manifest, "plan": of_run}
    assert failing("plan", files, manifest) == []
    (said,) = failing("plan", published.files, manifest)
    assert "which lacks" in said
    (said,) = failing("plan", files, {**manifest, "plan": {**of_run, "sha256": "0" * 64}})
    assert "the results were made under 000000000000" in said
    changed = {**files, "config/analysis_plan.lock.yaml": lock.replace(b"week_16", b"week_12", 1)}
    (said,) = failing("plan", changed, manifest)
    assert "was changed after it was locked" in said


def test_manifest_of_the_first_layout_is_read(published):
    """It did not say how the data were protected."""
    manifest = json.loads(published.files[MANIFEST])
    of_data = {"policy": "anonymised", "withheld_columns": [], "not_rebuilt": []}
    older = {**manifest, "bundle_version": 1, "data": of_data}
    read_again = read_manifest({**published.files, MANIFEST: json.dumps(older).encode()})
    assert read_again["bundle_version"] == manifest["bundle_version"] == 2
    assert read_again["data"] == {**of_data, "smallest_group": None, "quasi_identifiers": None}
    checks = integrity(published.files, read_again) + compare(
        published.files, read_again, published.rebuilt
    )
    assert {check.status for check in checks} == {"pass"}


def test_other_layouts_are_refused_in_words(published):
    manifest = json.loads(published.files[MANIFEST])
    for change, words in (
        ({"bundle_version": 99}, "layout 99"),
        ({"bundle_version": "x"}, "cannot be read"),
    ):
        files = {**published.files, MANIFEST: json.dumps({**manifest, **change}).encode()}
        with pytest.raises(BundleError, match=words):
            read_manifest(files)
    with pytest.raises(BundleError, match="no bundle"):
        read_manifest({})


def test_hostile_labels_are_escaped_on_the_page_and_in_the_table(published):
    from ipt_outcomes.provenance.integrity import Check

    hostile = Check("claim", "=HYPERLINK(1)<script>alert(1)</script>", "fail", "\u202eرقم 🙂" * 500)
    found = verification.Verification(("b.zip", "0" * 64), published.manifest, [hostile])
    assert "<script" not in verification_page(found)
    assert "\n" + "claim,'=HYPERLINK" in verification_table(found)
    assert replace(hostile, status="pass").status == "pass"
