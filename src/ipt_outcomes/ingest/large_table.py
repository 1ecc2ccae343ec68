"""A table too large for memory: from CSV to Parquet, a block at a time.

Routine-care exports have millions of rows. This reads one with declared columns, checks every entry
against its type as it passes, and writes Parquet that
:func:`ipt_outcomes.mixed.mixed_model_from_parquet` streams. Memory does not grow with the file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from ipt_outcomes.whole_files import whole_file

Kind = Literal["text", "number", "whole number"]

BLOCK = 32 << 20
"""Bytes of CSV held at a time."""


class LargeTableError(ValueError):
    """A table that cannot be read as declared."""


def csv_to_parquet(
    path: str | Path,
    out: str | Path,
    columns: Mapping[str, Kind],
    *,
    delimiter: str = ",",
    decimal: str = ".",
    missing: Sequence[str] = ("", "NA"),
) -> int:
    r"""Turn a CSV file into Parquet.

    Parameters
    ----------
    path, out
        The file read, and the one written (whole or not at all).
    columns
        The columns to keep and what they hold; others are passed over.
    delimiter, decimal
        As in the file.
    missing
        Entries that mean a missing value.

    Returns
    -------
    int
        Rows written.

    Raises
    ------
    LargeTableError
        When the file lacks a column, or an entry is not of its kind; the message names it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "scores.csv"
    ...     _ = file.write_text("patient,session,score\n1,1,20\n1,2,NA\n")
    ...     csv_to_parquet(file, Path(folder) / "scores.parquet",
    ...                    {"patient": "whole number", "session": "whole number",
    ...                     "score": "number"})
    2
    """
    import pyarrow as pa
    import pyarrow.csv as csv
    import pyarrow.parquet as pq

    types = {"text": pa.string(), "number": pa.float64(), "whole number": pa.int64()}
    convert = csv.ConvertOptions(
        column_types={name: types[kind] for name, kind in columns.items()},
        include_columns=list(columns),
        null_values=list(missing),
        strings_can_be_null=True,
        decimal_point=decimal,
    )
    rows = 0
    try:
        with (
            csv.open_csv(
                path,
                read_options=csv.ReadOptions(block_size=BLOCK),
                parse_options=csv.ParseOptions(delimiter=delimiter),
                convert_options=convert,
            ) as reader,
            whole_file(out) as part,
            pq.ParquetWriter(part, reader.schema) as writer,
        ):
            for batch in reader:
                writer.write_batch(batch)
                rows += batch.num_rows
    except (pa.ArrowInvalid, pa.ArrowKeyError, KeyError) as error:
        said = str(error).strip("'\"").splitlines()[0]
        raise LargeTableError(
            f"{path}: {said}. Expected {', '.join(f'{n} ({k})' for n, k in columns.items())}; "
            "correct the file, or name further missing codes."
        ) from None
    except OSError as error:
        raise LargeTableError(f"{path}: {error}.") from None
    return rows
