"""Chained equations for what is not a repeated continuous outcome: items, binaries, covariates.

Each incomplete column is imputed in turn from all others, round after round, with parameters drawn
from the normal approximation of their posterior; imputed values are borrowed from observed ones
with a similar prediction (predictive mean matching), so that items stay whole numbers in their
range and a binary stays a binary. The engine is statsmodels' ``MICEData``. Missing at random given
the columns that are handed over is assumed; nothing reference-based is possible here.

Sources: van Buuren (2018), Flexible Imputation of Missing Data, 2nd ed.; Morris, White & Royston
(2014) BMC Med Res Methodol 14:75 for the number of donors; White, Royston & Wood (2011) Stat Med
30:377.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from .errors import ImputationError, listed
from .incomplete import Floats
from .pooling import rubin
from .progress import Progress

DONORS = 5
BURN_IN = 10
BETWEEN = 5


def chained_equations(
    frame: pd.DataFrame,
    number: int = 20,
    *,
    rng: np.random.Generator,
    leave: Sequence[str] = (),
    donors: int = DONORS,
    burn_in: int = BURN_IN,
    between: int = BETWEEN,
) -> list[pd.DataFrame]:
    """Complete a table several times.

    Parameters
    ----------
    frame
        One row per participant: numbers, two-valued columns, and complete categories.
    number
        Completed tables.
    rng
        Stream of random numbers (see :func:`.streams.stream`).
    leave
        Columns that neither are imputed nor help, such as the participant's name.
    donors
        Observed values among which an imputed one is drawn.
    burn_in, between
        Rounds before the first table, and between two of them.

    Returns
    -------
    list of pandas.DataFrame
        Tables like ``frame`` without gaps in the columns used.

    Raises
    ------
    ImputationError
        For columns without any value, categories of several levels with gaps, fewer observed
        values than donors, or rows without any value.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> frame = pd.DataFrame({"age": rng.normal(40, 10, 60), "item": rng.integers(0, 4, 60) * 1.0})
    >>> frame.loc[:9, "item"] = np.nan
    >>> tables = chained_equations(frame, 3, rng=np.random.default_rng(2))
    >>> len(tables), bool(tables[0]["item"].isin([0, 1, 2, 3]).all())
    (3, True)
    """
    if number < 1 or donors < 1:
        raise ImputationError("at least one table and one donor are needed.")
    used = [c for c in frame.columns if c not in set(leave)]
    numbers, binary = _numbers(frame[used], donors)
    gaps = numbers.columns[numbers.isna().any()]
    if not len(gaps):
        return [frame.copy() for _ in range(number)]
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_linear_model import GLM

    data = _chain()(numbers, k_pmm=donors, rng=rng)
    for name in gaps:
        if name in binary:
            data.set_imputer(name, model_class=GLM, init_kwds={"family": Binomial()}, k_pmm=donors)
    out = []
    try:
        with warnings.catch_warnings():
            # Separation in one round is overcome by matching; a failed fit is an error below.
            warnings.simplefilter("ignore")
            progress = Progress("tables completed by chained equations", number)
            for k in range(number):
                data.update_all(burn_in if k == 0 else between)
                progress.done()
                out.append(_restored(frame, used, data.data[gaps], binary))
    except np.linalg.LinAlgError as error:
        raise ImputationError(
            f"the chained equations of {listed([used[int(g[1:])] for g in gaps])} cannot be "
            "fitted: columns depend on each other exactly (a total beside its items?), or there "
            "are more of them than the participants allow. Hand over fewer."
        ) from error
    return out


def _chain() -> type[Any]:
    """Return statsmodels' chain with its designs cut from the columns.

    It reads a formula twice for every fit, which takes nine tenths of the time; all columns are
    numbers here, so that intercept and columns are the design.
    """
    from statsmodels.imputation.mice import MICEData

    class Chain(MICEData):  # type: ignore[misc]
        def _matrices(self, name: str) -> tuple[Floats, Floats]:
            if not hasattr(self, "_values"):
                self._values = self.data.to_numpy(float)
            at = self.data.columns.get_loc(name)
            design = np.insert(np.delete(self._values, at, axis=1), 0, 1.0, axis=1)
            return self._values[:, at].copy(), design

        def _store_changes(self, col: str, vals: Floats) -> None:
            super()._store_changes(col, vals)
            if hasattr(self, "_values"):
                self._values[self.ix_miss[col], self.data.columns.get_loc(col)] = vals

        def get_fitting_data(
            self, vname: str
        ) -> tuple[Floats, Floats, dict[str, Any], dict[str, Any]]:
            seen = self.ix_obs[vname]
            y, X = self._matrices(vname)
            return y[seen], X[seen], dict(self.init_kwds[vname]), dict(self.fit_kwds[vname])

        def get_split_data(
            self, vname: str
        ) -> tuple[Floats, Floats, Floats, dict[str, Any], dict[str, Any]]:
            y, X = self._matrices(vname)
            return y[self.ix_obs[vname]], X[self.ix_obs[vname]], X[self.ix_miss[vname]], {}, {}

    return Chain


def _numbers(frame: pd.DataFrame, donors: int) -> tuple[pd.DataFrame, dict[str, list[object]]]:
    """Return numeric columns c0, c1, … and, for two-valued ones, the two values."""
    findings: list[str] = []
    columns: dict[str, pd.Series] = {}
    binary: dict[str, list[object]] = {}
    nothing = frame.index[frame.isna().all(axis=1)]
    if len(nothing):
        findings.append(f"{len(nothing)} rows hold no value at all: {listed(nothing)}")
    for j, name in enumerate(frame.columns):
        column, key = frame[name], f"c{j}"
        seen = column.dropna()
        levels = sorted(seen.drop_duplicates().tolist(), key=str)
        if not len(seen):
            findings.append(f"column {name!r} holds no value at all")
        elif len(levels) == 2:
            binary[key] = levels
            columns[key] = column.map({levels[0]: 0.0, levels[1]: 1.0}).astype(float)
        elif pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
            if column.isna().any():
                findings.append(
                    f"column {name!r} has {len(levels)} categories and gaps; only numbers and "
                    "two-valued columns can be imputed. Make two-valued columns of it"
                )
                continue
            for k, level in enumerate(levels[1:], start=1):
                columns[f"{key}x{k}"] = (column == level).astype(float)
        elif len(levels) > 1 or column.isna().any():
            columns[key] = column.astype(float)
        if column.isna().any() and 0 < len(seen) < 2 * donors:
            findings.append(
                f"column {name!r} has {len(seen)} values, too few for {donors} donors each"
            )
    if findings:
        raise ImputationError(findings)
    return pd.DataFrame(columns), binary


def _restored(
    frame: pd.DataFrame, used: list[str], imputed: pd.DataFrame, binary: Mapping[str, list[object]]
) -> pd.DataFrame:
    out = frame.copy()
    for key in imputed.columns:
        name = used[int(str(key)[1:])]
        values = imputed[key].set_axis(frame.index)
        gap = frame[name].isna()
        if key in binary:
            low, high = binary[key]
            filled = frame[name].astype(object).where(~gap, values.map({0.0: low, 1.0: high}))
            out[name] = filled.infer_objects()
        else:
            out[name] = frame[name].astype(float).where(~gap, values)
    return out


def analyse_tables(
    tables: Sequence[pd.DataFrame],
    function: Callable[[pd.DataFrame], Mapping[str, tuple[float, float, float]]],
    level: float = 0.95,
) -> pd.DataFrame:
    """Analyse every completed table and pool by Rubin's rules.

    Parameters
    ----------
    tables
        From :func:`chained_equations`.
    function
        Returns estimate, standard error and degrees of freedom (infinite for normal inference) by
        name.
    level
        Level of the intervals.

    Returns
    -------
    pandas.DataFrame
        One row per name, columns as from :func:`.pooling.pool`.

    Examples
    --------
    >>> frame = pd.DataFrame({"x": [1.0, 2.0, 3.0]})
    >>> def mean(table):
    ...     return {"mean": (table["x"].mean(), table["x"].sem(), 2.0)}
    >>> float(analyse_tables([frame, frame], mean).loc[0, "estimate"])
    2.0
    """
    if len(tables) < 2:
        raise ImputationError("Rubin's rules need at least two completed tables.")
    found = [function(table) for table in tables]
    names = list(found[0])
    values = np.array([[one[name] for name in names] for one in found], float)
    pooled = rubin(values[:, :, 0], values[:, :, 1] ** 2, values[0, :, 2], level)
    return pd.concat([pd.DataFrame({"name": names}), pooled], axis=1)
