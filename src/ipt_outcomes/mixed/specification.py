"""The request: what a call of ``mixed_model`` asked for, checked before any data are touched."""

from __future__ import annotations

from dataclasses import dataclass

from .catalogue import covariance_name
from .errors import MixedModelError, one_of

DF_METHODS = [
    "kenward-roger",
    "kenward-roger-linear",
    "kenward-roger-mmrm",
    "satterthwaite",
    "between-within",
    "residual",
    "normal",
]
STANDARD_ERRORS = ["model", "CR0", "CR2", "CR3"]
CLUSTER_COVARIANCES = [
    "compound symmetry",
    "heterogeneous independent",
    "heterogeneous compound symmetry",
    "unstructured",
]
CLUSTER_EFFECTS = ["intercept", "by visit", "slope", "intercept and slope"]


@dataclass(frozen=True)
class Specification:
    """What was asked for, in the words of the call (see :func:`.model.mixed_model`)."""

    formula: str
    participant: str
    visit: str | None = None
    covariance: str = "unstructured"
    df: str = "kenward-roger"
    reml: bool = True
    information: str = "observed"
    standard_errors: str = "model"
    level: float = 0.95
    covariance_by: str | None = None
    weights: str | None = None
    time: str | None = None
    random: str | None = None
    cluster: str | None = None
    cluster_where: str | None = None
    cluster_effect: str = "intercept"
    cluster_by: str | None = None
    cluster_covariance: str = "compound symmetry"
    fallback: tuple[str, ...] = ()


def _names_and_flags(asked: dict[str, object]) -> list[str]:
    """Return one finding per argument of the wrong kind."""
    findings = []
    if not isinstance(asked["reml"], bool):
        findings.append(f"reml={asked['reml']!r} must be True or False")
    for what in ("formula", "participant"):
        if not isinstance(asked[what], str):
            findings.append(f"{what}={asked[what]!r} must be text")
    columns = ("visit", "covariance_by", "weights", "time", "random", "cluster", "cluster_where")
    for what in (*columns, "cluster_by"):
        if asked[what] is not None and not isinstance(asked[what], str):
            findings.append(f"{what}={asked[what]!r} must be text, or None")
    return findings


def specify(
    *,
    covariance: str | None,
    fallback: bool | list[str],
    fallback_order: list[str],
    **asked: object,
) -> Specification:
    """Check a request and complete its defaults.

    Raises
    ------
    MixedModelError
        With every finding.
    """
    findings: list[str] = []

    def check(what: str, choices: list[str]) -> None:
        try:
            one_of(what, asked[what], choices)
        except MixedModelError as error:
            findings.extend(error.findings)

    check("df", DF_METHODS)
    check("information", ["observed", "expected"])
    check("standard_errors", STANDARD_ERRORS)
    check("cluster_effect", CLUSTER_EFFECTS)
    check("cluster_covariance", CLUSTER_COVARIANCES)
    findings += _names_and_flags(asked)
    level = asked["level"]
    if not isinstance(level, int | float) or not 0 < level < 1:
        findings.append(f"level={level!r} must lie between 0 and 1, for instance 0.95")
    if covariance is None:
        covariance = "unstructured" if asked["random"] is None else "independent"
    try:
        covariance = covariance_name(covariance)
    except MixedModelError as error:
        findings.extend(error.findings)
    df, standard_errors = str(asked["df"]), asked["standard_errors"]
    if df.startswith("kenward-roger"):
        if not asked["reml"]:
            findings.append(
                f"df={df!r} is defined for restricted likelihood: use reml=True, or "
                "df='satterthwaite' with reml=False"
            )
        if standard_errors != "model":
            findings.append(
                f"standard_errors={standard_errors!r} has its own degrees of freedom: use "
                "df='satterthwaite' (Bell-McCaffrey), 'between-within', 'residual' or 'normal'"
            )
    if asked["random"] is not None and covariance in {
        "unstructured",
        "heterogeneous toeplitz",
        "compound symmetry",
        "toeplitz",
    }:
        findings.append(
            f"covariance={covariance!r} beside random={asked['random']!r} is not identified: the "
            "residual could take over the random effects; supported residuals: independent, "
            "heterogeneous independent, autoregressive, heterogeneous autoregressive, "
            "ante-dependence, spatial exponential"
        )
    if asked["weights"] is not None and (asked["random"] or asked["cluster"]):
        findings.append(
            "weights= beside random effects or clusters is not supported (a weight could divide "
            "the whole variance of a row or its residual part); supported: weights= with a "
            "covariance of the visits"
        )
    if df == "kenward-roger-mmrm" and (asked["random"] or asked["cluster"]):
        findings.append(
            "df='kenward-roger-mmrm' is for comparison with R's mmrm, which has neither random "
            "effects nor clusters; use 'kenward-roger'"
        )
    if asked["visit"] is None and asked["random"] is None:
        exchangeable = {"compound symmetry", "independent"}
        if covariance not in exchangeable and asked["time"] is None:
            findings.append(
                f"covariance={covariance!r} needs visit='name of the visit column'; without visits "
                "use compound symmetry, independent, or random='1'"
            )
    if asked["cluster"] is None:
        for name in ("cluster_where", "cluster_by"):
            if asked[name] is not None:
                findings.append(
                    f"{name}={asked[name]!r} needs cluster='name of the cluster column'"
                )
    elif standard_errors != "model":
        findings.append("a sandwich error beside cluster= is not supported; use 'model'")
    if findings:
        raise MixedModelError(findings)
    steps: tuple[str, ...] = ()
    if fallback is not False:
        wanted = fallback_order if fallback is True else [covariance_name(f) for f in fallback]
        if fallback is True and covariance in wanted:
            wanted = wanted[wanted.index(covariance) + 1 :]
        elif fallback is True:
            wanted = []
        steps = tuple(w for w in wanted if w != covariance)
    return Specification(covariance=covariance, fallback=steps, **asked)  # type: ignore[arg-type]
