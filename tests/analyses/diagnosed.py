"""Studies whose models are examined, and how the tests find the rows."""

from __future__ import annotations

from dataclasses import replace

from ipt_outcomes.study import Study

EVENTS = {"outcomes": {"hamd17": {"instrument": "HAM-D17"}}}
RESPONSES = {"outcomes": {"hamd17": {"instrument": "HAM-D17", "response": {"percent": 50}}},
             "imputations": 2, "bootstrap": 0}  # fmt: skip


def only(data, **analyses):
    """Switch on the diagnostics and these analyses, and no others."""
    content = data.study.model_dump(mode="json", exclude_none=True)
    content["analyses"] = {
        "primary": content["analyses"]["primary"], "diagnostics": {"covariances": []}, **analyses,
    }  # fmt: skip
    return replace(data, study=Study.model_validate(content))


def of(table, model, part):
    return table[table["analysis"] == f"diagnostics, {model}, {part}"]


def extremes(table, arm):
    own = table[(table["arm"] == arm) & (table["disclosure"] == "shared")]
    return [
        own[own["contrast"].str.contains(w)]["estimate"].item() for w in ("smallest", "largest")
    ]
