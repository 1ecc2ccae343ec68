"""Parquet files as tables of text."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from ipt_outcomes.ingest.as_text import listed, text_column
from ipt_outcomes.ingest.source import Source
from ipt_outcomes.ingest.statistical import MOST_CELLS
from ipt_outcomes.ingest.table import RawTable, table_of


def read(source: Source) -> RawTable | None:
    """Read a Parquet file; columns of lists or records are left out, and named.

    Parameters
    ----------
    source
        The file.

    Returns
    -------
    RawTable or None
        None when it cannot be read; the findings then say why.
    """
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(source.path, page_checksum_verification=True) as file:
            rows, width = file.metadata.num_rows, file.metadata.num_columns
            if rows * width > MOST_CELLS:
                source.error("too large", f"{rows:,} rows of {width:,} columns",
                             f"at most {MOST_CELLS:,} cells",
                             "Check what was exported.")  # fmt: skip
                return None
            table = file.read(use_threads=False)
    except (pa.ArrowException, OSError, ValueError) as error:
        source.damaged("a Parquet file", error)
        return None
    kept: dict[str, list[pd.Series]] = {}
    nested = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_nested(column.type):
            nested.append(name)
            continue
        single = pa.types.is_float32(column.type) or pa.types.is_float16(column.type)
        try:
            values = _values(column)
        except (pa.ArrowException, ValueError, OverflowError) as error:
            source.damaged(f"a Parquet file with a column {name}", error)
            return None
        kept.setdefault(name, []).append(text_column(values, single=single))
    if nested:
        source.findings.add("note", "columns left out", file=source.name,
                            found=f"columns of lists or records ({listed(nested)})",
                            mend="Nothing to do, unless they hold data of the trial.",
                            )  # fmt: skip
    columns = {name: of[0] for name, of in kept.items() if len(of) == 1}
    twice = tuple(name for name, of in kept.items() if len(of) > 1)
    return table_of(
        source,
        columns,
        np.arange(2, table.num_rows + 2),
        described={"kind": "parquet", "encoding": "utf-8"},
        repeated=twice,
    )


def _values(column: pa.ChunkedArray) -> pd.Series:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_floating(column.type):
        return pd.Series(column.to_numpy(zero_copy_only=False))
    return pd.Series(column.to_pylist(), dtype=object)
