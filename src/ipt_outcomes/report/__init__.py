"""The report: one HTML page with everything in it, a pure function of results.

Its modules are imported by their own names, so that a page that uses one of them does not depend on
the code of all the others (see :mod:`ipt_outcomes.provenance.fingerprint`).
"""
