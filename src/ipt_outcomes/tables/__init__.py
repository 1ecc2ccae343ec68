"""Tables of a trial: pure functions of the configuration and the estimates table."""

from __future__ import annotations

from ipt_outcomes.tables.catalogue import make_table, means_name, module_of, table_names
from ipt_outcomes.tables.table import Table

__all__ = ["Table", "make_table", "means_name", "module_of", "table_names"]
