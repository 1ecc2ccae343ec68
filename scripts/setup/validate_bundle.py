"""Validate a bundle as a Workflow Run RO-Crate, without any network.

    python -m venv /tmp/validator && /tmp/validator/bin/pip install roc-validator
    /tmp/validator/bin/python scripts/setup/validate_bundle.py results/bundle.zip CONTEXT

``roc-validator`` fetches the RO-Crate context; CONTEXT is the copy that the package ``rocrate``
ships (``rocrate/data/ro-crate.jsonld``), given to it in answer to that request. The validator needs
an environment of its own, because it forces versions of other packages.
"""

import io
import sys
import urllib.error
import urllib.request
import urllib.response
from email.message import Message
from pathlib import Path

import requests
import urllib3
from rocrate_validator import models, services


def main(bundle: str, context: str) -> int:
    """Print every issue; return how many requirements are broken."""
    # The copy is of version 1.3, which moved the terms of Bioschemas; the bundle is of 1.1.
    document = Path(context).read_bytes().replace(b"bioschemas.org/terms/", b"bioschemas.org/")

    def answer(self, request, **kwargs):
        if "/ro/crate/" not in request.url:
            raise requests.ConnectionError(f"no network: {request.url}")
        raw = urllib3.HTTPResponse(
            body=io.BytesIO(document),
            headers={"Content-Type": "application/ld+json"},
            status=200,
            preload_content=False,
            request_url=request.url,
            request_method=request.method,
        )
        return self.build_response(request, raw)

    def open_url(self, fullurl, *args, **kwargs):
        url = getattr(fullurl, "full_url", fullurl)
        if "/ro/crate/" not in url:
            raise urllib.error.URLError(f"no network: {url}")
        headers = Message()
        headers["Content-Type"] = "application/ld+json"
        return urllib.response.addinfourl(io.BytesIO(document), headers, url, 200)

    requests.adapters.HTTPAdapter.send = answer
    urllib.request.OpenerDirector.open = open_url
    broken = 0
    for profile in ("ro-crate-1.1", "workflow-ro-crate-1.0", "workflow-run-crate-0.5",
                    "process-run-crate-0.5"):  # fmt: skip
        result = services.validate(
            services.ValidationSettings(
                rocrate_uri=bundle,
                no_cache=True,
                profile_identifier=profile,
                requirement_severity=models.Severity.REQUIRED,
            )
        )
        issues = result.get_issues(models.Severity.REQUIRED)
        print(f"{profile}: {'valid' if not issues else f'{len(issues)} issues'}")
        for issue in issues:
            print(f"  - {issue.check.identifier}: {issue.message}")
        broken += len(issues)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
