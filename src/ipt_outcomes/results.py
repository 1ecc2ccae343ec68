"""The results language: one table in which every analysis states what it estimated.

Each analysis, whatever its method, returns rows of the same versioned schema. Tables, figures,
the report, notebooks and the verification read only this table, so that a new analysis appears
everywhere at once and no number is ever typed twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pandas as pd

from ipt_outcomes.whole_files import whole_file

SCHEMA_VERSION = 1

Row = dict[str, Any]
"""What an analysis says of one estimate: columns of :data:`SCHEMA` and their values."""

QUANTITIES = (
    "mean",
    "difference",
    "ratio",
    "probability",
    "variance",
    "slope",
    "effect size",
    "test",
    "observed mean",
    "standard deviation",
    "count",
    "rate",
    "standardised probability",
    "risk difference",
    "risk ratio",
    "odds ratio",
    "rate ratio",
    "hazard ratio",
    "number needed to benefit",
    "number needed to harm",
    "survival",
    "restricted mean",
    "weight",
    "intraclass correlation",
    "predicted effect",
    "score",
)
"""What kind of thing a row estimates."""


@dataclass(frozen=True)
class Column:
    """One column of the estimates table.

    Parameters
    ----------
    dtype
        pandas type.
    description
        What it holds, for the reference documentation.
    nullable
        Whether a row may leave it empty.
    allowed
        The only values it may take; empty when any value of its type is allowed.
    """

    dtype: str
    description: str
    nullable: bool = True
    allowed: tuple[str, ...] = ()


SCHEMA: dict[str, Column] = {
    "id": Column("str", "stable name of the row, cited by report and verification", False),
    "trial": Column("str", "name of the trial", False),
    "outcome": Column("str", "name of the outcome, or of the characteristic described"),
    "analysis": Column("str", "name of the analysis", False),
    "analysis_set": Column("str", "who was analysed", False),
    "estimand": Column("str", "name of the estimand, where something is estimated"),
    "quantity": Column("str", "what kind of thing is estimated", False, QUANTITIES),
    "contrast": Column("str", "what is compared, in words"),
    "arm": Column("str", "the arm, or the group that is compared"),
    "reference": Column("str", "the arm or group that it is compared with"),
    "subgroup": Column("str", "the part of the participants, where not all"),
    "visit": Column("str", "the visit, where there is one"),
    "unit": Column("str", "unit of the estimate"),
    "estimate": Column("float64", "the estimate"),
    "se": Column("float64", "its standard error"),
    "df": Column("float64", "degrees of freedom (denominator)"),
    "df_numerator": Column("float64", "numerator degrees of freedom of an F test"),
    "statistic": Column("float64", "t or F"),
    "lower": Column("float64", "lower end of the interval"),
    "upper": Column("float64", "upper end of the interval"),
    "level": Column("float64", "level of the interval"),
    "interval_method": Column("str", "how the interval was made"),
    "p": Column("float64", "two-sided p-value, not adjusted for multiplicity"),
    "p_adjusted": Column("float64", "p-value adjusted within its family"),
    "n_arm": Column("Int64", "participants behind the arm's estimate"),
    "n_reference": Column("Int64", "participants behind the reference's estimate"),
    "method": Column("str", "model and inference, in words", False),
    "covariance": Column("str", "covariance structure in use"),
    "converged": Column("boolean", "whether the fit converged; empty where nothing was fitted"),
    "model_id": Column("str", "name of the fitted model"),
    "status": Column("str", "prespecified or not", False, ("confirmatory", "exploratory")),
    "disclosure": Column("str", "who may see the row", False, ("shared", "restricted")),
    "notes": Column("str", "what a reader must know"),
}
"""The columns of the estimates table, in order."""

_KEY = ("trial", "outcome", "analysis", "analysis_set", "estimand", "quantity", "arm",
        "reference", "subgroup", "visit", "contrast")  # fmt: skip


NOT_FITTED = "not fitted"
"""The method of a row that stands for a model that could not be fitted; its notes say why."""
NOT_POSSIBLE = "not possible"
"""How the notes of a row begin that stands for an analysis that the data do not allow."""
WHOLE_ANALYSIS = ", the whole analysis"
"""How the name of its analysis ends where nothing else stands of it."""


FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""First characters that make a spreadsheet program run a cell as a formula."""


class ResultsError(ValueError):
    """Rows that are not of the results language; lists everything that is wrong."""


def estimates(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Turn rows of an analysis into a validated estimates table.

    Parameters
    ----------
    rows
        One mapping per estimate, with column names of :data:`SCHEMA`; columns left out are empty,
        and ``id`` is derived from what the row describes.

    Returns
    -------
    pandas.DataFrame
        All columns of :data:`SCHEMA`, typed, in the order given.

    Raises
    ------
    ResultsError
        When a row breaks the schema.

    Examples
    --------
    >>> table = estimates([dict(trial="a", outcome="hamd17", analysis="primary",
    ...     analysis_set="as randomised", estimand="main", quantity="mean", arm="IPT",
    ...     visit="week_16", estimate=9.8, method="MMRM", status="confirmatory",
    ...     disclosure="shared")])
    >>> table.loc[0, "id"]
    'a/hamd17/primary/as-randomised/main/mean/IPT/week_16'
    """
    rows = list(rows)
    unknown = {name for row in rows for name in row} - set(SCHEMA)
    if unknown:
        raise ResultsError(f"not columns of the estimates table: {', '.join(sorted(unknown))}")
    columns = {
        name: pd.array(
            [_identity(row) if name == "id" else row.get(name) for row in rows],
            dtype=cast(Any, column.dtype),
        )
        for name, column in SCHEMA.items()
    }
    return validate(pd.DataFrame(columns))


def t_inference(line: Mapping[Any, Any], level: float) -> Row:
    """Give what a model says of an estimate, with its t test and interval, as columns of a row.

    Parameters
    ----------
    line
        A line of a table of the model.
    level
        Level of its interval.

    Examples
    --------
    >>> line = dict(estimate=-2.1, se=0.9, df=84.0, statistic=-2.33, p=0.022, lower=-3.9,
    ...     upper=-0.3, visit="week_16")
    >>> row = t_inference(line, 0.95)
    >>> row["estimate"], row["interval_method"], "visit" in row
    (-2.1, 't', False)
    """
    kept = ("estimate", "se", "df", "statistic", "p", "lower", "upper")
    return {**{name: line[name] for name in kept}, "level": level, "interval_method": "t"}


def validate(table: pd.DataFrame) -> pd.DataFrame:
    """Check a table against :data:`SCHEMA` and return it.

    Raises
    ------
    ResultsError
        With every breach: columns, types, empty or unknown values, intervals that do not hold
        their estimate, ids that stand twice.
    """
    wrong: list[str] = []
    if list(table.columns) != list(SCHEMA):
        raise ResultsError(f"columns are {list(table.columns)}, expected {list(SCHEMA)}")
    for name, column in SCHEMA.items():
        values = table[name]
        if str(values.dtype) != column.dtype:
            wrong.append(f"{name}: type {values.dtype}, expected {column.dtype}")
        if not column.nullable and values.isna().any():
            wrong.append(f"{name}: empty in rows {_rows(values.isna())}")
        if column.allowed and (bad := ~values.isin(column.allowed) & values.notna()).any():
            wrong.append(f"{name}: {sorted(set(values[bad]))} not among {column.allowed}")
    if (twice := table["id"].duplicated()).any():
        wrong.append(f"id: stands twice: {sorted(set(table.loc[twice, 'id']))}")
    bounded = table["lower"].notna() & table["upper"].notna() & table["estimate"].notna()
    outside = bounded & ~table["estimate"].between(table["lower"], table["upper"])
    if outside.any():
        wrong.append(f"estimate outside its interval: {sorted(table.loc[outside, 'id'])}")
    if (bad := table["lower"].notna() & table["level"].isna()).any():
        wrong.append(f"interval without level: {sorted(table.loc[bad, 'id'])}")
    alone = (table["quantity"] == "intraclass correlation") & table["estimate"].notna()
    if (bad := alone & (table["lower"].isna() | table["upper"].isna())).any():
        wrong.append(f"intraclass correlation without interval: {sorted(table.loc[bad, 'id'])}")
    if wrong:
        raise ResultsError("not an estimates table:\n" + "\n".join(f"  - {w}" for w in wrong))
    return table


def hold_to_plan(table: pd.DataFrame, touched: Iterable[Mapping[str, str]] | None) -> pd.DataFrame:
    """Mark as exploratory what the locked analysis plan does not cover.

    Parameters
    ----------
    table
        An estimates table.
    touched
        For each change since the plan was locked the rows that it touches, as column: value (an
        empty mapping touches every row); None when no plan is locked, so that every row is
        exploratory.

    Returns
    -------
    pandas.DataFrame
        The table with its ``status`` corrected.

    Examples
    --------
    >>> table = estimates([dict(trial="a", outcome=outcome, analysis="primary",
    ...     analysis_set="all", quantity="difference", arm="IPT", estimate=-3.0, method="MMRM",
    ...     status="confirmatory", disclosure="shared") for outcome in ("hamd17", "bdi2")])
    >>> hold_to_plan(table, [{"outcome": "bdi2"}])["status"].tolist()
    ['confirmatory', 'exploratory']
    >>> hold_to_plan(table, None)["status"].tolist()
    ['exploratory', 'exploratory']
    """
    scopes = [{}] if touched is None else list(touched)
    for scope in scopes:
        hit = pd.Series(True, index=table.index)
        for name, value in scope.items():
            hit &= (table[name] == value).fillna(False).astype(bool)
        table = table.assign(status=table["status"].mask(hit, "exploratory"))
    return table


def combine(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Put the tables of several analyses below each other.

    Raises
    ------
    ResultsError
        When two analyses give a row the same id.
    """
    frames = [validate(table) for table in tables]
    if not frames:
        return estimates([])
    return validate(pd.concat(frames, ignore_index=True))


def write(table: pd.DataFrame, parquet: str | Path, csv: str | Path | None = None) -> None:
    """Write an estimates table as Parquet (with the schema's version) and, if asked, as CSV.

    Files appear whole or not at all.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    validate(table)
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    metadata = {**(arrow.schema.metadata or {}), b"ipt_results_version": str(SCHEMA_VERSION)}
    with whole_file(parquet) as part:
        pq.write_table(arrow.replace_schema_metadata(metadata), part)
    if csv is not None:
        with whole_file(csv) as part:
            spreadsheet_frame(table).to_csv(part, index=False, lineterminator="\n")


def spreadsheet_safe(text: str) -> str:
    """Put an apostrophe before text that a spreadsheet program would run as a formula.

    Examples
    --------
    >>> spreadsheet_safe("=HYPERLINK(1)"), spreadsheet_safe("−3.20")
    ("'=HYPERLINK(1)", '−3.20')
    """
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_STARTS) else text


def spreadsheet_frame(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose texts no spreadsheet program takes for formulas; numbers stay numbers.

    Examples
    --------
    >>> spreadsheet_frame(pd.DataFrame({"site": ["=1+1", "B"], "n": [-1, 2]})).values.tolist()
    [["'=1+1", -1], ['B', 2]]
    """
    texts = table.select_dtypes(include=["object", "string"])
    return table.assign(
        **{str(name): texts[name].map(spreadsheet_safe, na_action="ignore") for name in texts}
    )


def write_apart(table: pd.DataFrame, *, shared: str | Path, restricted: str | Path) -> None:
    """Write the rows of one analysis to two files: what may be shared, and what may not.

    Parameters
    ----------
    table
        The estimates table.
    shared, restricted
        Where the rows of either disclosure class go; both files always appear.
    """
    validate(table)
    for disclosure, path in (("restricted", restricted), ("shared", shared)):
        write(table[table["disclosure"] == disclosure].reset_index(drop=True), path)


def read(path: str | Path) -> pd.DataFrame:
    """Read an estimates table written by :func:`write`.

    Raises
    ------
    ResultsError
        When the file is of another schema version, or not such a table.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        arrow = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        said = str(error).splitlines()[0] if str(error) else "empty"
        raise ResultsError(
            f"{path} is damaged ({said}). Make it anew with `snakemake --force {path}`, then run "
            "`snakemake`."
        ) from None
    version = (arrow.schema.metadata or {}).get(b"ipt_results_version", b"?").decode()
    if version != str(SCHEMA_VERSION):
        raise ResultsError(f"{path}: results version {version}, this program reads "
                           f"{SCHEMA_VERSION}")  # fmt: skip
    table = arrow.to_pandas()
    typed = {name: table[name].astype(column.dtype) for name, column in SCHEMA.items()}
    return validate(pd.DataFrame(typed))


_SIGNS = {"<": "below", ">": "above", "≤": "at most", "≥": "at least"}
"""What must not vanish from an identity: groups are told apart by such signs alone."""


def _identity(row: Mapping[str, Any]) -> str:
    # The contrast's words belong to the identity only where no pair of arms says it.
    parts = [row.get(name) for name in _KEY[:-1]]
    if row.get("reference") is None:
        parts.append(row.get("contrast"))
    text = [str(part) for part in parts if part is not None and part is not pd.NA]
    for sign, word in _SIGNS.items():
        text = [part.replace(sign, f" {word} ") for part in text]
    # Letters of any alphabet stay: labels that differ in them only are different rows.
    return "/".join(re.sub(r"[^\w+.=-]+", "-", part).strip("-") for part in text)


def _rows(mask: pd.Series) -> str:
    positions = [str(i) for i, bad in enumerate(mask) if bad]
    return ", ".join(positions[:10]) + (" ..." if len(positions) > 10 else "")
