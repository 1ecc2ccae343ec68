"""The JSON Schema of ``config.yaml``, for editors that check while one types.

``python -m ipt_outcomes.study.schema`` writes ``workflow/schemas/config.schema.json``; a test
holds that file against the models.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ipt_outcomes.study.config import Study

DEFAULT = Path("workflow/schemas/config.schema.json")


def config_schema() -> str:
    """Return the schema as JSON text.

    Examples
    --------
    >>> '"additionalProperties": false' in config_schema()
    True
    """
    schema = Study.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "config.yaml of an IPT Outcomes study"
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(config_schema(), "utf-8")
