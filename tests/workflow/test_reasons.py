"""Why a dry run would make a step, in plain words, from what Snakemake itself says."""

from __future__ import annotations

import json

import pytest
from snakemake.jobs import Reason
from snakemake.persistence import ParamsChange

from snakemake_logger_plugin_ipt.reasons import FOLLOWS, explanation, plain_reasons

BEFORE = {"study": {"seed": 1}, "arms": {"IPT": {"label": "IPT, it's 'now: new'"}}, "gone": 1}
AFTER = {"study": {"seed": 2}, "arms": {"IPT": {"label": "IPT"}}, "added": {"a": 1}}


def changed(old: set[object], new: set[object]) -> str:
    """Let Snakemake itself word a change of parameters, which it keeps as representations."""
    reason = Reason()
    reason.params_changed = ParamsChange({repr(v) for v in old}, {repr(v) for v in new}, {"x"})
    return str(reason)


def test_keys_of_the_configuration_with_their_old_and_new_values() -> None:
    (found,) = plain_reasons(changed({json.dumps(BEFORE)}, {json.dumps(AFTER)}))
    assert found == (
        "config.yaml changed: study.seed (1 → 2), "
        "arms.IPT.label (IPT, it's 'now: new' → IPT), gone is gone, added is new"
    )


def test_many_changes_are_counted() -> None:
    old = {f"key_{k}": k for k in range(9)}
    new = {f"key_{k}": k + 1 for k in range(9)}
    (found,) = plain_reasons(changed({json.dumps(old)}, {json.dumps(new)}))
    assert found.endswith("key_3 (3 → 4) and 5 more")


def test_code_beside_configuration() -> None:
    old, new = {json.dumps(BEFORE), "f4563c606d1969ac"}, {json.dumps(AFTER), "a2c2445728094987"}
    config, code = plain_reasons(changed(old, new))
    assert config.startswith("config.yaml changed: study.seed")
    assert code == "the program changed"
    assert plain_reasons(changed({"f4563c606d1969ac"}, {"a2c2445728094987"})) == [code]


@pytest.mark.parametrize(("old", "new"), [({True}, {False}), ({None}, {"ab"}), (set(), {"[x"})])
def test_any_other_setting(old: set[object], new: set[object]) -> None:
    assert plain_reasons(changed(old, new)) == ["a setting changed"]


def test_other_reasons() -> None:
    reason = Reason()
    reason.updated_input.add("data/export.csv")
    reason.code_changed = True
    assert plain_reasons(str(reason)) == ["changed since: data/export.csv", "the program changed"]
    reason = Reason()
    reason.updated_input_run.add("results/a.parquet")
    assert plain_reasons(str(reason)) == [FOLLOWS]
    reason.missing_output.add("results/b.parquet")
    assert plain_reasons(str(reason)) == ["it is not there yet"]
    reason.forced = True
    assert plain_reasons(str(reason)) == ["it was asked for"]
    assert plain_reasons("a reason of a later version") == ["a reason of a later version"]


def test_steps_stand_under_their_cause_and_followers_last() -> None:
    follows = "Input files updated by another job: a"
    lines = explanation([("c", follows), ("a", "Forced execution"), ("b", "Forced execution")])
    assert lines == [
        "3 steps would be made; nothing has been changed.",
        "Because it was asked for:", "  a", "  b",
        "Because what it is made from is made anew:", "  c",
    ]  # fmt: skip
